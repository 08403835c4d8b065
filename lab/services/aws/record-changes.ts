import { XMLParser } from "fast-xml-parser";
import { z } from "zod";
import { type CloudState, type DnsRecord } from "../../cloud/state.ts";
import { RECORD_TYPES, canonicalName, recordId } from "../../providers/aws/dns.ts";
import { invalidSet } from "../../providers/aws/rrset.ts";
import { ApiFault } from "./signature.ts";

export interface RecordChange {
    action: "CREATE" | "DELETE" | "UPSERT";
    record: DnsRecord;
}

const LISTS = ["Change", "ResourceRecord"];
const parser = new XMLParser({ ignoreAttributes: true, parseTagValue: false, isArray: (name) => LISTS.includes(name) });

// The lab refuses aliases, weights and everything else that the API accepts.
const batch = z.strictObject({
    ChangeResourceRecordSetsRequest: z.strictObject({
        ChangeBatch: z.strictObject({
            Comment: z.string().optional(),
            Changes: z.strictObject({
                Change: z
                    .array(
                        z.strictObject({
                            Action: z.enum(["CREATE", "DELETE", "UPSERT"]),
                            ResourceRecordSet: z.strictObject({
                                Name: z.string().min(1).max(1024),
                                Type: z.enum(RECORD_TYPES),
                                TTL: z.string().regex(/^\d{1,10}$/),
                                ResourceRecords: z.strictObject({
                                    ResourceRecord: z.array(z.strictObject({ Value: z.string() })).min(1),
                                }),
                            }),
                        }),
                    )
                    .min(1),
            }),
        }),
    }),
});

/** The changes in a request's body. */
export function parseChanges(xml: string): RecordChange[] {
    let document: unknown;
    try {
        document = parser.parse(xml.replace(/^<\?xml.*?\?>/, ""), true);
    } catch {
        throw new ApiFault(400, "MalformedInput", "Unexpected input: the body is not XML");
    }
    const { data, error } = batch.safeParse(document);
    if (!data) {
        throw new ApiFault(400, "InvalidInput", z.prettifyError(error).replace(/\s*\n\s*/g, " "));
    }
    return data.ChangeResourceRecordSetsRequest.ChangeBatch.Changes.Change.map(
        ({ Action, ResourceRecordSet: set }) => ({
            action: Action,
            record: {
                name: canonicalName(set.Name),
                type: set.Type,
                ttl: Number(set.TTL),
                values: set.ResourceRecords.ResourceRecord.map(({ Value }) => Value),
            },
        }),
    );
}

/**
 * Makes all changes, or none.
 *
 * @throws ApiFault InvalidChangeBatch
 */
export function applyChanges(state: CloudState, changes: RecordChange[]): void {
    const wrong: string[] = [];
    for (const { action, record } of changes) {
        const id = recordId(record);
        const present = state.records[id];
        const reason =
            (action === "DELETE" ? undefined : wrongRecord(state, record)) ?? conflict(action, record, present);
        if (reason) wrong.push(reason);
        else if (action === "DELETE") delete state.records[id];
        else state.records[id] = record;
    }
    if (wrong.length > 0) throw new ApiFault(400, "InvalidChangeBatch", `[${wrong.join(", ")}]`);
}

function wrongRecord({ records }: CloudState, record: DnsRecord): string | undefined {
    const bare = record.type === "TXT" && record.values.find((value) => !value.startsWith('"'));
    if (bare) {
        return `Invalid Resource Record: FATAL problem: InvalidCharacterString (Value should be enclosed in quotation marks) encountered with '${bare}'`;
    }
    return invalidSet(record, Object.values(records));
}

function conflict(action: RecordChange["action"], record: DnsRecord, present: DnsRecord | undefined) {
    const set = `resource record set [name='${record.name}.', type='${record.type}']`;
    if (action === "CREATE" && present) return `Tried to create ${set} but it already exists`;
    if (action !== "DELETE") return undefined;
    if (!present) return `Tried to delete ${set} but it was not found`;
    if (same(present, record)) return undefined;
    return `Tried to delete ${set} but the values provided do not match the current values`;
}

/** Compares records. The state keeps the program's texts without quotation marks. */
function same(a: DnsRecord, b: DnsRecord): boolean {
    const quoted = ({ type, values }: DnsRecord) =>
        values.map((value) => (type === "TXT" && !value.startsWith('"') ? JSON.stringify(value) : value)).sort();
    return a.ttl === b.ttl && JSON.stringify(quoted(a)) === JSON.stringify(quoted(b));
}

/** The form of names in IAM's condition keys, with other characters in octal. */
export function normalizedName(name: string): string {
    return name.replace(/[^a-z0-9._\\-]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
