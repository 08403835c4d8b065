import { XMLBuilder } from "fast-xml-parser";
import { randomBytes, randomUUID } from "node:crypto";
import { ZONE_ID } from "../../cloud/state.ts";
import type { CloudStore } from "../../cloud/store.ts";
import { LAB_ZONE, LabError } from "../../lab.ts";
import { authorize } from "./authorize.ts";
import type { Answer, Request } from "./http.ts";
import { applyChanges, normalizedName, parseChanges } from "./record-changes.ts";
import type { Session, Sessions } from "./sessions.ts";
import { ApiFault, authenticate } from "./signature.ts";

const VERSION = "/2013-04-01";
const NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/";
/** Route 53 is a global service. Its requests are signed for this region. */
const SIGNED_FOR = { region: "us-east-1", service: "route53" };
const builder = new XMLBuilder({ ignoreAttributes: false });

/** The part of Route 53's API that an ACME client uses. */
export class Route53 {
    readonly #store: CloudStore;
    readonly #sessions: Sessions;
    /** The time of each change, by its id. */
    readonly #changes = new Map<string, string>();

    constructor(store: CloudStore, sessions: Sessions) {
        this.#store = store;
        this.#sessions = sessions;
    }

    async answer(request: Request): Promise<Answer> {
        try {
            return await this.#route(request, await authenticate(this.#sessions, request, SIGNED_FOR));
        } catch (error) {
            if (!(error instanceof ApiFault)) throw error;
            const { status, code, message } = error;
            const body = { Error: { Type: "Sender", Code: code, Message: message }, RequestId: randomUUID() };
            return xml(status, "ErrorResponse", body);
        }
    }

    async #route({ method, path, body }: Request, session: Session): Promise<Answer> {
        const [kind, id = "", more] = path.replace(`${VERSION}/`, "").replace(/\/$/, "").split("/");
        const operation = path.startsWith(`${VERSION}/`)
            ? [method, kind, id && "ID", more].filter(Boolean).join(" ")
            : "";
        if (operation === "GET hostedzone") return this.#listHostedZones(session);
        if (operation === "POST hostedzone ID rrset") return this.#changeRecords(session, id, body);
        if (operation === "GET change ID") return this.#getChange(session, id);
        throw new ApiFault(404, "UnknownOperationException", `the lab's Route 53 has no ${method} ${path}`);
    }

    async #listHostedZones(session: Session): Promise<Answer> {
        await authorize(this.#store, session, { action: "route53:ListHostedZones", resource: "*" });
        const { records } = await this.#store.read();
        const zone = {
            Id: `/hostedzone/${ZONE_ID}`,
            Name: `${LAB_ZONE}.`,
            CallerReference: "lab",
            Config: { PrivateZone: false },
            // Route 53 also counts the zone's own SOA and NS records.
            ResourceRecordSetCount: Object.keys(records).length + 2,
        };
        const body = { HostedZones: { HostedZone: zone }, IsTruncated: false, MaxItems: 100 };
        return xml(200, "ListHostedZonesResponse", body);
    }

    async #changeRecords(session: Session, zoneId: string, body: string): Promise<Answer> {
        const changes = parseChanges(body);
        await authorize(this.#store, session, {
            action: "route53:ChangeResourceRecordSets",
            resource: `arn:aws:route53:::hostedzone/${zoneId}`,
            context: {
                "route53:ChangeResourceRecordSetsNormalizedRecordNames": changes.map(({ record }) =>
                    normalizedName(record.name),
                ),
                "route53:ChangeResourceRecordSetsRecordTypes": changes.map(({ record }) => record.type),
                "route53:ChangeResourceRecordSetsActions": changes.map(({ action }) => action),
            },
        });
        if (zoneId !== ZONE_ID) throw new ApiFault(404, "NoSuchHostedZone", `No hosted zone found with ID: ${zoneId}`);
        await this.#store
            .change((state) => applyChanges(state, changes))
            .catch((error: unknown) => {
                if (!(error instanceof LabError)) throw error;
                throw new ApiFault(400, "InvalidChangeBatch", `[${error.message}]`);
            });
        const id = `C${randomBytes(10).toString("hex").toUpperCase()}`;
        this.#changes.set(id, new Date().toISOString());
        return this.#change("ChangeResourceRecordSetsResponse", id, "PENDING");
    }

    async #getChange(session: Session, id: string): Promise<Answer> {
        await authorize(this.#store, session, {
            action: "route53:GetChange",
            resource: `arn:aws:route53:::change/${id}`,
        });
        if (!this.#changes.has(id)) throw new ApiFault(404, "NoSuchChange", `Could not find resource with ID: ${id}`);
        // The name server has the records before the change is answered.
        return this.#change("GetChangeResponse", id, "INSYNC");
    }

    #change(name: string, id: string, status: "PENDING" | "INSYNC"): Answer {
        return xml(200, name, {
            ChangeInfo: { Id: `/change/${id}`, Status: status, SubmittedAt: this.#changes.get(id) },
        });
    }
}

function xml(status: number, name: string, body: object): Answer {
    const text = builder.build({ [name]: { "@_xmlns": NAMESPACE, ...body } });
    return { status, type: "text/xml", body: `<?xml version="1.0"?>\n${text}` };
}
