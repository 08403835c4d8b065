import { MongoClient, MongoServerError, type Db } from "mongodb";
import { KEYS, type Database, type RecordType, type StoredRecord } from "./database.ts";
import { EXIT, Failure } from "./failure.ts";
import { log } from "./log.ts";
import { environmentVariable } from "./secret.ts";

const URI_VARIABLE = "LINKMESH_MONGODB_URI";

/** How long to look for a server if the connection string does not say it. The driver would look for 30 s. */
const UNREACHABLE_MS = 5000;

const DUPLICATE_KEY = 11000;
/** AuthenticationFailed and Unauthorized. */
const REFUSED = [18, 13];

/** The connection string, which holds a password and so is no key of config.yaml. */
export function mongoUri(environmentFile: string): string {
    return environmentVariable(
        URI_VARIABLE,
        "storage.backend is mongodb, and MongoDB's connection string",
        environmentFile,
    );
}

/** The database that several instances share. */
export class MongoDatabase implements Database {
    private constructor(
        readonly name: string,
        private readonly client: MongoClient,
        private readonly db: Db,
    ) {}

    /** @throws {Failure} if the server cannot be reached within seconds or refuses the user */
    static async open(uri: string): Promise<MongoDatabase> {
        const client = parse(uri);
        // Without user and password, which the connection string may hold.
        const where = `MongoDB at ${client.options.srvHost ?? client.options.hosts.map(String).join(",")}`;
        try {
            const db = client.db();
            const hello = await db.command({ hello: 1 });
            if (!hello.setName) {
                log.warn(
                    "RunInTransaction: standalone Mongo detected — falling back to sequential writes (no atomicity). " +
                        "Production deploys MUST use a replica set.",
                );
            }
            await db.collection("collector").createIndex({ id: 1 });
            await db.collection("session").createIndex({ collector: 1 });
            return new MongoDatabase(`${db.databaseName} of ${where}`, client, db);
        } catch (error) {
            await client.close();
            throw openFailure(error as Error, where);
        }
    }

    async add(record: StoredRecord, { durable }: { durable: boolean }): Promise<boolean> {
        const key = KEYS[record.type];
        const document = { ...record, ...(key && { _id: record[key] as never }), addedAt: new Date() };
        try {
            await this.db
                .collection(record.type)
                .insertOne(document, { writeConcern: { w: durable ? "majority" : 1 } });
            return true;
        } catch (error) {
            if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
            throw error;
        }
    }

    async find(type: RecordType, field?: string, value?: string): Promise<StoredRecord[]> {
        const found = this.db.collection(type).find(field === undefined ? {} : { [field]: value });
        return (await found.sort({ addedAt: 1 }).toArray()) as unknown as StoredRecord[];
    }

    async count(type: RecordType, field: string): Promise<Map<string, number>> {
        const groups = this.db
            .collection(type)
            .aggregate<{ _id: string; count: number }>([{ $group: { _id: `$${field}`, count: { $sum: 1 } } }]);
        return new Map((await groups.toArray()).map(({ _id, count }) => [_id, count]));
    }

    close(): Promise<void> {
        return this.client.close();
    }
}

function parse(uri: string): MongoClient {
    try {
        const given = /[?&]serverSelectionTimeoutMS=/i.test(uri);
        return new MongoClient(uri, given ? {} : { serverSelectionTimeoutMS: UNREACHABLE_MS });
    } catch (error) {
        // The message names what is wrong, and never the user or the password.
        throw new Failure(`${URI_VARIABLE} is no connection string: ${(error as Error).message}`, EXIT.configuration);
    }
}

function openFailure(error: Error, where: string): Failure {
    if (error instanceof MongoServerError && REFUSED.includes(Number(error.code))) {
        return new Failure(
            `${where} refuses the user or the password of ${URI_VARIABLE}: ${error.message}`,
            EXIT.configuration,
        );
    }
    return new Failure(`cannot use ${where}, which ${URI_VARIABLE} names: ${error.message}`);
}
