import { choice, flag, hasLogin, hostname, optional, url } from "./types.ts";
import { setting } from "./setting.ts";

/** The public names, and where they are published. */
export const NAME_SETTINGS = {
    domain: setting({
        type: "string",
        description: "The public hostname, under which browsers, collectors and agents reach LinkMesh.",
        example: "linkmesh.example.com",
        change: ["DNS records change", "new certificate", "nginx reloads", "LinkMesh restarts"],
        schema: hostname,
    }),
    uiDomain: setting({
        type: "string",
        description:
            "A second name for people's browsers, which offers HTTP/2; OpAMP stays at the domain. Needs nginx 1.25.1, so Debian 13.",
        default: "",
        example: "linkmesh-ui.example.com",
        change: ["DNS records change", "new certificate", "nginx reloads"],
        schema: optional(hostname),
    }),
    grpc: setting({
        type: "boolean",
        description: "Take in linkmesh-agent's gRPC. Fleets without that agent need it not: no port, no rule, no name.",
        default: true,
        example: "false",
        change: ["firewall rules change", "nginx reloads", "LinkMesh restarts"],
        schema: flag,
    }),
    grpcDomain: setting({
        type: "string",
        description:
            "A second name for gRPC, which then shares port 443: the name in the handshake decides, mTLS passes untouched. By default gRPC has the domain and a port of its own, 50051.",
        default: "",
        example: "grpc.linkmesh.example.com",
        change: ["firewall rules change", "DNS records change", "nginx reloads", "LinkMesh restarts"],
        schema: optional(hostname),
    }),
    dns: setting({
        type: "string",
        description:
            "Where the names are published: route53, or external for any other provider. Then `pulumi up` prints the records to make, and waits for them.",
        default: "route53",
        example: "external",
        change: ["DNS records change"],
        changeNote: "external deletes the records in Route 53, so make them elsewhere first",
        schema: choice(["route53", "external"], 'must be "route53" or "external"'),
    }),
    hostedZone: setting({
        type: "string",
        description:
            "Name of the Route 53 hosted zone for the records. By default the closest zone that encloses the domain.",
        default: "",
        example: "example.com",
        change: ["DNS records change"],
        schema: optional(hostname),
    }),
    dnsAllowOverwrite: setting({
        type: "boolean",
        description:
            "Take over the A, AAAA and CAA records of the names that exist already, instead of stopping with an error.",
        default: false,
        example: "true",
        change: [],
        changeNote: "counts when a record is created",
        schema: flag,
    }),
    caaIssuer: setting({
        type: "string",
        description:
            "Publish CAA records with which this authority alone may issue certificates for the names, and for those below them that have no such records. By default none.",
        default: "",
        example: "letsencrypt.org",
        change: ["DNS records change"],
        schema: optional(hostname),
    }),
    caaAccountUri: setting({
        type: "string",
        description:
            "Narrow the CAA records to one ACME account. It binds the names to the account's key on the data volume: without that no certificate is issued until the record is gone.",
        default: "",
        example: "https://acme-v02.api.letsencrypt.org/acme/acct/123456789",
        change: ["DNS records change"],
        // A semicolon would end the parameter of the CAA record.
        schema: optional(
            url(/^https:$/, "must be the https URL of an ACME account").refine(
                (value) => value.length <= 200 && !value.includes(";") && !hasLogin(value),
                "must be the URL of an ACME account as the authority shows it",
            ),
        ),
    }),
} as const;
