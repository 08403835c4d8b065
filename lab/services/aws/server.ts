// A stand-in for what a machine on AWS meets of AWS itself, not AWS: the instance metadata service and Route 53's API.
// Runs by itself, bundled with all that it imports.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { withLock } from "../../process/lock.ts";
import { publicRecords } from "../../cloud/records.ts";
import { CloudStore } from "../../cloud/store.ts";
import { labAt } from "../../lab.ts";
import { publishZone } from "../knot.ts";
import { listener } from "./http.ts";
import { answerMetadata } from "./metadata.ts";
import { Route53 } from "./route53.ts";
import { Sessions } from "./sessions.ts";

export interface AwsConfig {
    slot: number;
    /** PEM, as the key. */
    certificate: string;
    key: string;
}

const config = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as AwsConfig;
const lab = labAt(config.slot);
// Records are all that changes here. Machines are left to the commands: those started here would be this process's.
const store = new CloudStore(lab, {
    apply: (state) => withLock(lab.dir, () => publishZone(lab, publicRecords(state))),
});
// Credentials outlive a restart of this service as long as its certificate does.
const sessions = new Sessions(config.key);
const route53 = new Route53(store, sessions);

createServer(listener("metadata", async (request) => answerMetadata(await store.read(), sessions, request))).listen(
    80,
    lab.net.aws,
);
createTlsServer(
    { cert: config.certificate, key: config.key },
    listener("route53", (request) => route53.answer(request)),
).listen(443, lab.net.aws);
