import type * as pulumi from "@pulumi/pulumi";
import { hasOwnCertificate, usesCertificateManager } from "./certificate.ts";
import type { Checks } from "./checks.ts";
import type { DnsRecord } from "./cloud/dns/provider.ts";
import { grpcEndpoint } from "./endpoints.ts";
import { HEALTH_PATH } from "./health.ts";
import type { Settings } from "./settings/settings.ts";

/** Outputs of a LinkMeshProxy. Outputs that the settings turn off are left out, because the engine warns about undefined ones. */
export interface Outputs {
    /** Where browsers reach LinkMesh. */
    publicUrl: string;
    /** Where browsers reach the web UI with HTTP/2, if uiDomain is set. */
    uiUrl?: string;
    /** Redirects to publicUrl, unless port 80 is closed. */
    httpUrl?: string;
    /** Where collectors report, over OpAMP. */
    opampUrl: string;
    /** Answers 200 only if LinkMesh, the certificate, its renewal and the disks are well, for any monitoring system. */
    healthUrl: string;
    /** Where linkmesh-agent connects, as host and port, unless gRPC is off. */
    grpcEndpoint?: string;
    /** "own" if tlsCertificate is set, and otherwise "aws" (Certificate Manager) with several nodes. */
    certificateSource: "acme" | "aws" | "own";
    /** The machine's IPv4 address, which outlives the machine. With several nodes, the load balancer's in the first zone. */
    ipv4: pulumi.Output<string>;
    /** The machine's IPv6 address, which outlives the machine, or the load balancer's. None in a subnet without IPv6. */
    ipv6?: pulumi.Output<string>;
    /** With several nodes, the load balancer's IPv4 addresses, one in each zone. */
    ipv4Addresses?: pulumi.Output<string[]>;
    /** With several nodes, the load balancer's IPv6 addresses, if it has some. */
    ipv6Addresses?: pulumi.Output<string[]>;
    /** The command to log in on the machine, or on the first of several nodes. Empty while several nodes are paused. */
    sshCommand: pulumi.Output<string>;
    /** With several nodes, the command to log in on each, in order. */
    sshCommands?: pulumi.Output<string[]>;
    /** The command to log in by Session Manager, if it is on and the machine is not paused. Another machine has another one. */
    sessionCommand?: pulumi.Output<string>;
    /** With several nodes, the command to log in by Session Manager on each, in order, if it is on. */
    sessionCommands?: pulumi.Output<string[]>;
    /** The generated private key of the login, unless sshPublicKey is set. A secret. */
    sshPrivateKey?: pulumi.Output<string>;
    /** The machine's host key, as known_hosts and ssh-keyscan show it. */
    sshHostKey: pulumi.Output<string>;
    /** The records that are published, or with dns=external the records to publish. */
    dnsRecords: pulumi.Output<DnsRecord[]>;
    /** ARNs of the SNS topics that alarms are sent to. Each e-mail address has to confirm each topic by the link that AWS sends. */
    alarmTopics?: pulumi.Output<string[]>;
    /** What `npm run check -- --stack` needs to know. Without secrets. */
    checks: pulumi.Output<Checks>;
}

/** The outputs that say where LinkMesh answers. Pure. */
export function endpointOutputs(settings: Settings) {
    const { domain, uiDomain } = settings;
    const grpc = grpcEndpoint(settings);
    return {
        publicUrl: `https://${domain}`,
        uiUrl: uiDomain === "" ? undefined : `https://${uiDomain}`,
        healthUrl: `https://${domain}${HEALTH_PATH}`,
        httpUrl: settings.httpRedirect ? `http://${domain}` : undefined,
        opampUrl: `wss://${domain}/v1/opamp`,
        grpcEndpoint: grpc && `${grpc.host}:${grpc.port}`,
        certificateSource: certificateSource(settings),
    };
}

function certificateSource(settings: Settings): Outputs["certificateSource"] {
    if (hasOwnCertificate(settings)) return "own";
    return usesCertificateManager(settings) ? "aws" : "acme";
}
