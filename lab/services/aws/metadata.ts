import { type CloudState, type Instance, publicIpOf } from "../../cloud/state.ts";
import { trusts } from "../../providers/aws/iam.ts";
import { zoneOf } from "../../providers/aws/instances.ts";
import { type Answer, type Request, json, plain } from "./http.ts";
import type { Sessions } from "./sessions.ts";

const TTL_HEADER = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN_HEADER = "x-aws-ec2-metadata-token";
const LONGEST_TTL_SECONDS = 21_600;
const ROLE_SECONDS = 6 * 3600;
const CREDENTIALS = "/latest/meta-data/iam/security-credentials/";

/**
 * Answers a machine as IMDSv2 does: the machine first gets its own token with PUT. If the machine's options allow it,
 * also as IMDSv1, without a token.
 */
export function answerMetadata(state: CloudState, sessions: Sessions, request: Request, now = Date.now()): Answer {
    const machine = machineAt(state, request.address);
    if (!machine) return plain(404, "no machine of the lab has this address");
    if (machine.metadata?.endpoint === "disabled") return plain(403, "Forbidden");
    if (request.path === "/latest/api/token") return token(sessions, machine, request, now);
    if (request.method !== "GET") return plain(405, "Method Not Allowed");
    const given = request.headers[TOKEN_HEADER];
    const held = sessions.unseal(given ?? "") as Token | undefined;
    const isFree = given === undefined && machine.metadata?.tokens === "optional";
    if (!isFree && (held?.metadata !== machine.id || held.expires <= now)) return plain(401, "Unauthorized");
    return describe(state, sessions, machine, request.path, now) ?? plain(404, "Not Found");
}

interface Token {
    /** The machine's id. */
    metadata: string;
    expires: number;
}

function token(sessions: Sessions, machine: Instance, { method, headers }: Request, now: number): Answer {
    if (method !== "PUT") return plain(405, "Method Not Allowed");
    // Behind a proxy, the request could come from somebody else.
    if (headers["x-forwarded-for"] !== undefined) return plain(403, "Forbidden");
    const ttl = headers[TTL_HEADER] ?? "";
    if (!/^\d{1,5}$/.test(ttl) || Number(ttl) < 1 || Number(ttl) > LONGEST_TTL_SECONDS)
        return plain(400, "Bad Request");
    const made: Token = { metadata: machine.id, expires: now + Number(ttl) * 1000 };
    return plain(200, sessions.seal(made), { [TTL_HEADER]: ttl });
}

function describe(
    state: CloudState,
    sessions: Sessions,
    machine: Instance,
    path: string,
    now: number,
): Answer | undefined {
    const zone = zoneOf(state, machine.networkInterfaceId);
    if (path === "/latest/meta-data/instance-id") return plain(200, machine.id);
    if (path === "/latest/meta-data/placement/availability-zone") return plain(200, zone);
    if (path === "/latest/meta-data/placement/region") return plain(200, zone.replace(/[a-z]$/, ""));
    const profile = state.instanceProfiles[machine.iamInstanceProfile ?? ""];
    const role = state.roles[profile?.role ?? ""];
    if (!profile || !role) return undefined;
    const LastUpdated = seconds(now);
    if (path === "/latest/meta-data/iam/info") {
        return json(200, { Code: "Success", LastUpdated, InstanceProfileArn: profile.arn });
    }
    if (path === CREDENTIALS || `${path}/` === CREDENTIALS) return plain(200, role.name);
    if (path !== CREDENTIALS + role.name) return undefined;
    if (!trusts(role, "ec2.amazonaws.com")) {
        const Message = `EC2 cannot assume the role ${role.name}.`;
        return json(200, { Code: "AssumeRoleUnauthorizedAccess", Message, LastUpdated });
    }
    const expires = now + ROLE_SECONDS * 1000;
    const made = sessions.issue({ role: role.name, instanceId: machine.id, expires });
    return json(200, {
        Code: "Success",
        LastUpdated,
        Type: "AWS-HMAC",
        AccessKeyId: made.accessKeyId,
        SecretAccessKey: made.secretAccessKey,
        Token: made.token,
        Expiration: seconds(expires),
    });
}

/** The machine whose packets arrive from this address: its public one, or behind a NAT gateway its private one. */
function machineAt(state: CloudState, address: string): Instance | undefined {
    const card = Object.values(state.networkInterfaces).find(
        (own) => own.privateIp === address || publicIpOf(state, own) === address,
    );
    return Object.values(state.instances).find(({ networkInterfaceId }) => networkInterfaceId === card?.id);
}

function seconds(time: number): string {
    return new Date(time).toISOString().replace(/\.\d+Z$/, "Z");
}
