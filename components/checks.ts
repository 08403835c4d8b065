import * as pulumi from "@pulumi/pulumi";
import { hasOwnCertificate, usesCertificateManager } from "./certificate.ts";
import { type GrpcEndpoint, grpcEndpoint } from "./endpoints.ts";
import { defined } from "./defined.ts";
import { privateAnchor, readChain } from "./settings/chain.ts";
import type { Settings } from "./settings/settings.ts";

/** What `npm run check -- --stack` needs to know of a host. Holds no secret. */
export interface Checks {
    /** The public host name. */
    host: string;
    /** The name of the web UI, if it has one of its own. */
    uiHost?: string;
    /** The machine's address, or the load balancer's first one. */
    ipv4: string;
    /** Without it there must be no AAAA record. */
    ipv6?: string;
    /** The load balancer of several nodes and the nodes behind it. Absent with one machine. */
    tier?: ChecksTier;
    /** Where agents connect, unless gRPC is off. */
    grpc?: GrpcEndpoint;
    /** Whether port 80 is open. */
    http: boolean;
    /** Whether the certificate is the user's own, which nothing renews. */
    ownCertificate: boolean;
    /** The ACME authority, unless the certificate is the user's own or the load balancer's. */
    acmeDirectory?: string;
    /** PEM certificates of the CA that clients have to trust, if it is not a public one. */
    ca?: string;
    ssh: ChecksSsh;
    /** Whether the setting `paused` has removed the machine. */
    paused: boolean;
    /** How many snapshots of the data are kept, one a night, unless the setting is off. */
    dailySnapshots?: number;
}

export interface ChecksTier {
    /** All addresses of the load balancer. */
    ipv4: string[];
    /** Empty without IPv6. */
    ipv6: string[];
    /** How to log in to each node, in order. Empty while the stack is paused. */
    nodes: ChecksSsh[];
}

/** How to log in to the machine. */
export interface ChecksSsh {
    host: string;
    user: string;
    hostKey: string;
    /** Whether the output sshPrivateKey is the key to log in with. Otherwise, it is the user's own. */
    generatedKey: boolean;
    bastion?: ChecksBastion;
}

/** The host through which SSH reaches the machine. */
export interface ChecksBastion {
    host: string;
    user: string;
    hostKey: string;
}

interface Machine {
    user: string;
    ipv4: pulumi.Input<string>;
    ipv6: pulumi.Input<string> | undefined;
    hostKey: pulumi.Input<string>;
    /** With several nodes, all addresses of the load balancer, and the nodes' own. */
    tier?: {
        ipv4: readonly pulumi.Input<string>[];
        ipv6: readonly pulumi.Input<string>[] | undefined;
        hosts: pulumi.Input<string[]>;
    };
}

export function checksOf(settings: Settings, { user, tier, ...machine }: Machine): pulumi.Output<Checks> {
    const { domain, uiDomain, httpRedirect, paused } = settings;
    const own = hasOwnCertificate(settings);
    return pulumi
        .output({ ...machine, tier: tier && { ...tier, ipv6: tier.ipv6 ?? [] } })
        .apply(({ ipv4, ipv6, hostKey, tier: several }) => {
            const login = (host: string) => loginOf(settings, { host, user, hostKey });
            const nodes = several?.hosts.map(login);
            return defined<Checks>({
                host: domain,
                uiHost: uiDomain || undefined,
                ipv4,
                ipv6,
                tier: several && { ipv4: [...several.ipv4], ipv6: [...several.ipv6], nodes: nodes! },
                grpc: grpcEndpoint(settings),
                http: httpRedirect,
                ownCertificate: own,
                acmeDirectory: own || usesCertificateManager(settings) ? undefined : settings.acmeDirectory,
                ca: own ? privateAnchor(readChain(settings.tlsCertificate)) : settings.acmeCaBundle || undefined,
                ssh: nodes?.[0] ?? login(ipv4),
                paused,
                dailySnapshots: settings.dailySnapshots || undefined,
            });
        });
}

function loginOf(settings: Settings, { host, user, hostKey }: Pick<ChecksSsh, "host" | "user" | "hostKey">): ChecksSsh {
    const { bastionHost, bastionUser, bastionHostKey, sshPublicKey } = settings;
    const bastion = bastionHost === "" ? undefined : { host: bastionHost, user: bastionUser, hostKey: bastionHostKey };
    return defined<ChecksSsh>({ host, user, hostKey, generatedKey: sshPublicKey === "", bastion });
}
