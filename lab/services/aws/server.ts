// A stand-in for the parts of AWS that a machine uses: the instance metadata service, and Route 53's and CloudWatch's API.
// Bundled with all imports, so that it runs by itself.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { withLock } from "../../process/lock.ts";
import { publicRecords } from "../../cloud/records.ts";
import { CloudStore } from "../../cloud/store.ts";
import { LAB_REGION, labAt } from "../../lab.ts";
import { publishZone } from "../knot.ts";
import { MONITORING_HOST } from "../zone.ts";
import { CloudWatch } from "./cloudwatch.ts";
import { listener } from "./http.ts";
import { answerMetadata } from "./metadata.ts";
import { Route53 } from "./route53.ts";
import { Sessions } from "./sessions.ts";

export interface AwsConfig {
    slot: number;
    /** PEM, like the key. */
    certificate: string;
    key: string;
}

const config = JSON.parse(readFileSync(process.argv[2]!, "utf8")) as AwsConfig;
const lab = labAt(config.slot);
// Only records change here. A machine started here would be a child of this process, so commands start machines.
const store = new CloudStore(lab, {
    apply: (state) => withLock(lab.dir, () => publishZone(lab, publicRecords(state))),
});
// Credentials survive a restart of this service as long as its certificate stays.
const sessions = new Sessions(config.key);
const route53 = new Route53(store, sessions);
const cloudwatch = new CloudWatch(store, sessions, LAB_REGION);

createServer(listener("metadata", async (request) => answerMetadata(await store.read(), sessions, request))).listen(
    80,
    lab.net.aws,
);
createTlsServer(
    { cert: config.certificate, key: config.key },
    listener("api", (request) =>
        request.headers.host === MONITORING_HOST ? cloudwatch.answer(request) : route53.answer(request),
    ),
).listen(443, lab.net.aws);
