import * as pulumi from "@pulumi/pulumi";
import { hasOwnCertificate } from "./certificate.ts";
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
    ipv4: string;
    /** Without it there must be no AAAA record. */
    ipv6?: string;
    /** Where agents connect, unless gRPC is off. */
    grpc?: GrpcEndpoint;
    /** Whether port 80 is open. */
    http: boolean;
    /** Whether the certificate is the user's own, which nothing renews. */
    ownCertificate: boolean;
    /** The ACME authority, unless the certificate is the user's own. */
    acmeDirectory?: string;
    /** PEM certificates of the CA that clients have to trust, if it is not a public one. */
    ca?: string;
    ssh: ChecksSsh;
    /** Whether the setting `paused` has removed the machine. */
    paused: boolean;
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
}

export function checksOf(settings: Settings, { user, ...machine }: Machine): pulumi.Output<Checks> {
    const { domain, uiDomain, httpRedirect, bastionHost, bastionUser, bastionHostKey, paused } = settings;
    const own = hasOwnCertificate(settings);
    return pulumi.output(machine).apply(({ ipv4, ipv6, hostKey }) =>
        defined<Checks>({
            host: domain,
            uiHost: uiDomain || undefined,
            ipv4,
            ipv6,
            grpc: grpcEndpoint(settings),
            http: httpRedirect,
            ownCertificate: own,
            acmeDirectory: own ? undefined : settings.acmeDirectory,
            ca: own ? privateAnchor(readChain(settings.tlsCertificate)) : settings.acmeCaBundle || undefined,
            ssh: defined<ChecksSsh>({
                host: ipv4,
                user,
                hostKey,
                generatedKey: settings.sshPublicKey === "",
                bastion:
                    bastionHost === "" ? undefined : { host: bastionHost, user: bastionUser, hostKey: bastionHostKey },
            }),
            paused,
        }),
    );
}
