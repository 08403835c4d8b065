/** A record is only added, never changed: what must happen once is a key that a second record cannot have. */
export type StoredRecord = { type: RecordType } & Record<string, unknown>;

/** Each type of record, and the field that no two records of the type share. */
export const KEYS = {
    authority: "type",
    // Of two instances that start at once, one issues the first certificate.
    "server-certificate": "number",
    token: "hash",
    // One enrollment token enrols one collector, on whichever instance it arrives.
    collector: "token",
    "otlp-token": "hash",
    session: undefined,
    "ui-session": "hash",
} as const;

export type RecordType = keyof typeof KEYS;

/** The server's state: a file of one instance, or a MongoDB that several share. */
export interface Database {
    /** Where it is, for messages, without credentials. */
    readonly name: string;
    /**
     * Adds a record. A durable record is safe when this resolves. Others survive only a crash of the process.
     *
     * @returns false if another record of this type has its key
     */
    add(record: StoredRecord, options: { durable: boolean }): Promise<boolean>;
    /** The records of a type, or those of them whose field has the value, in the order in which they were added. */
    find(type: RecordType, field?: string, value?: string): Promise<StoredRecord[]>;
    /** How many records of a type each value of the field has. */
    count(type: RecordType, field: string): Promise<Map<string, number>>;
    close(): Promise<void>;
}
