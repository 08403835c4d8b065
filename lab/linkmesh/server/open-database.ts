import type { Config } from "./config.ts";
import type { Database } from "./database.ts";

/** Opens what `storage.backend` names. @throws {Failure} if it cannot be used */
export async function openDatabase(config: Config, environmentFile: string): Promise<Database> {
    // Each backend is loaded only where it is used: the driver of MongoDB is larger than the rest of the server.
    if (config.backend === "bolt") {
        const { FileDatabase } = await import("./file-database.ts");
        return FileDatabase.open(config.boltPath);
    }
    const { MongoDatabase, mongoUri } = await import("./mongo-database.ts");
    return MongoDatabase.open(mongoUri(environmentFile));
}
