import alarms from "../../../../docs/iam/alarms.json" with { type: "json" };
import base from "../../../../docs/iam/base.json" with { type: "json" };
import challenges from "../../../../docs/iam/dns-01.json" with { type: "json" };
import network from "../../../../docs/iam/network.json" with { type: "json" };
import preview from "../../../../docs/iam/preview.json" with { type: "json" };
import route53 from "../../../../docs/iam/route53.json" with { type: "json" };
import session from "../../../../docs/iam/session-manager.json" with { type: "json" };
import snapshots from "../../../../docs/iam/snapshots.json" with { type: "json" };
import tier from "../../../../docs/iam/tier.json" with { type: "json" };
import type { PolicyDocument } from "../policy-evaluation.ts";
import { Caller } from "./caller.ts";

/** The documents of docs/iam by file name: all rights that the program needs. `preview` is enough for a preview. */
export const DOCUMENTS = {
    preview,
    base,
    network,
    route53,
    "dns-01": challenges,
    snapshots,
    alarms,
    "session-manager": session,
    tier,
} as Readonly<Record<string, PolicyDocument>>;

/** The caller with exactly these rights. Undefined for another program, which needs its own rights. */
export function deployer(): Caller | undefined {
    return process.env.LINKMESH_LAB_PROGRAM === undefined ? new Caller(Object.values(DOCUMENTS)) : undefined;
}
