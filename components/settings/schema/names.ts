import { choice, flag, hasLogin, hostname, optional, url } from "./types.ts";
import { setting } from "./setting.ts";

/** The public names and their DNS records. */
export const NAME_SETTINGS = {
    domain: setting({
        type: "string",
        description: "The public hostname under which browsers, collectors and agents reach LinkMesh.",
        example: "linkmesh.example.com",
        change: ["DNS records change", "new certificate", "nginx reloads", "LinkMesh restarts"],
        schema: hostname,
    }),
    uiDomain: setting({
        type: "string",
        description:
            "A second hostname for people's browsers, with HTTP/2. OpAMP stays on domain. Needs nginx 1.25.1 or newer, which only Debian 13 has. If left out, browsers use domain, with HTTP/1.1.",
        default: "",
        example: "linkmesh-ui.example.com",
        change: ["DNS records change", "new certificate", "nginx reloads"],
        schema: optional(hostname),
    }),
    grpc: setting({
        type: "boolean",
        description:
            "Accept gRPC connections from linkmesh-agent. Set to false if no collector uses the agent; port 50051 then stays closed.",
        default: true,
        example: "false",
        change: ["firewall rules change", "nginx reloads", "LinkMesh restarts"],
        schema: flag,
    }),
    grpcDomain: setting({
        type: "string",
        description:
            "A second hostname for gRPC, which then shares port 443: nginx recognizes it by the name in the TLS handshake and passes mTLS through. If left out, gRPC uses domain on its own port, 50051.",
        default: "",
        example: "grpc.linkmesh.example.com",
        change: ["firewall rules change", "DNS records change", "nginx reloads", "LinkMesh restarts"],
        schema: optional(hostname),
    }),
    dns: setting({
        type: "string",
        description:
            "Where the DNS records are published: route53, or external for any other provider. With external, `pulumi up` prints the records to create and waits for them.",
        default: "route53",
        example: "external",
        change: ["DNS records change"],
        changeNote: "external deletes the records in Route 53, so make them elsewhere first",
        schema: choice(["route53", "external"], 'must be "route53" or "external"'),
    }),
    hostedZone: setting({
        type: "string",
        description:
            "Name of the Route 53 hosted zone for the records. If left out, the closest zone that contains domain.",
        default: "",
        example: "example.com",
        change: ["DNS records change"],
        schema: optional(hostname),
    }),
    dnsAllowOverwrite: setting({
        type: "boolean",
        description:
            "Overwrite existing A, AAAA and CAA records of the names. With false, `pulumi up` stops with an error instead.",
        default: false,
        example: "true",
        change: [],
        changeNote: "counts when a record is created",
        schema: flag,
    }),
    caaIssuer: setting({
        type: "string",
        description:
            "Publish CAA records that allow only this authority to issue certificates for the names, and for names below them without CAA records of their own. If left out, no CAA records are published.",
        default: "",
        example: "letsencrypt.org",
        change: ["DNS records change"],
        schema: optional(hostname),
    }),
    caaAccountUri: setting({
        type: "string",
        description:
            "Restrict the CAA records to one ACME account. Its key is on the data volume: if that is lost, no certificate is issued until the records are removed. If left out, any account of caaIssuer may order.",
        default: "",
        example: "https://acme-v02.api.letsencrypt.org/acme/acct/123456789",
        change: ["DNS records change"],
        // A semicolon would end the parameter in the CAA record.
        schema: optional(
            url(/^https:$/, "must be the https URL of an ACME account").refine(
                (value) => value.length <= 200 && !value.includes(";") && !hasLogin(value),
                "must be the URL of an ACME account as the authority shows it",
            ),
        ),
    }),
} as const;
