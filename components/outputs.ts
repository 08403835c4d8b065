import type * as pulumi from "@pulumi/pulumi";
import type { Checks } from "./checks.ts";
import type { DnsRecord } from "./cloud/dns/provider.ts";

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
    /** "own" if tlsCertificate is set. */
    certificateSource: "acme" | "own";
    /** The machine's IPv4 address, which outlives the machine. */
    ipv4: pulumi.Output<string>;
    /** The machine's IPv6 address, which outlives the machine. None in a subnet without IPv6. */
    ipv6?: pulumi.Output<string>;
    /** The command to log in on the machine. */
    sshCommand: pulumi.Output<string>;
    /** The command to log in by Session Manager, if it is on and the machine is not paused. Another machine has another one. */
    sessionCommand?: pulumi.Output<string>;
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
