import { LONGEST_COMMON_NAME, certificateNames, commonName, hasOwnCertificate } from "../../certificate.ts";
import { MOST_ZONES, nodesInZone } from "../../cloud/subnet-sizes.ts";
import { SETTINGS, type Setting, type SettingName, type Settings } from "../settings.ts";
import { violations } from "./violations.ts";

const KEEP_NOTHING = "the nodes have no data volume, because MongoDB and the Git store hold what LinkMesh keeps";
const OWN_AUTHORITY = "AWS Certificate Manager issues and renews the certificate of the load balancer";

/** Settings of one machine, and why several machines have no use for them. */
const OF_ONE_MACHINE: Partial<Record<SettingName, string>> = {
    grpcDomain:
        "the load balancer ends TLS on port 443, and LinkMesh has to end that of gRPC. gRPC keeps its own port, 50051",
    trustedProxies: "nginx takes the client's address from the load balancer alone",
    ...{ dataVolumeSize: KEEP_NOTHING, linkmeshDataPaths: KEEP_NOTHING },
    ...{ dailySnapshots: KEEP_NOTHING, finalSnapshot: KEEP_NOTHING, restoreFrom: KEEP_NOTHING },
    ...{ acmeDirectory: OWN_AUTHORITY, acmeEmail: OWN_AUTHORITY, acmeCaBundle: OWN_AUTHORITY },
    ...{ acmeChallenge: OWN_AUTHORITY, acmeEabKeyId: OWN_AUTHORITY, caaAccountUri: OWN_AUTHORITY },
    availabilityZone: "the nodes are spread over the availability zones",
    subnetId: "they need a subnet in each availability zone. Name those with subnetIds",
    publicAddress:
        "the load balancer is for clients on the internet, and the nodes need public addresses for the way out",
    alarms: "they watch one machine. Have a monitoring system ask the health URL, and an alarm of your own watch UnHealthyHostCount of the load balancer",
};

/** Authorities of which AWS Certificate Manager looks for one in CAA records. */
const CERTIFICATE_MANAGER = ["amazon.com", "amazontrust.com", "awstrust.com", "amazonaws.com"];

/** What several machines need, and what they refuse. */
export function tierRules(s: Settings): string[] {
    if (s.nodes === 1) {
        return violations([
            [s.subnetIds.length === 0, "subnetIds is for several nodes, but nodes is 1. Set subnetId instead."],
            [isDefault(s, "drainSeconds"), "drainSeconds is for several nodes, but nodes is 1. Remove it."],
        ]);
    }
    const useless = (Object.keys(OF_ONE_MACHINE) as SettingName[]).filter((name) => !isDefault(s, name));
    const most = MOST_ZONES * nodesInZone(s.vpcCidr);
    const shortest = certificateNames(s).reduce((one, other) => (other.length < one.length ? other : one));
    return [
        ...useless.map(
            (name) => `${name} has no use with several nodes: ${OF_ONE_MACHINE[name]}. Remove it, or set nodes to 1.`,
        ),
        ...violations([
            [
                storageBackend(s) === "mongodb",
                `nodes is ${s.nodes}, but ${storageBackend(s) === undefined ? "linkmeshConfig names no storage.backend, so LinkMesh keeps its data in BoltDB" : `storage.backend in linkmeshConfig is ${storageBackend(s)}`}, a file that only one LinkMesh can use. Set linkmeshConfig to {"storage":{"backend":"mongodb"}} with the keys of your MongoDB replica set and of your Git store, or set nodes to 1.`,
            ],
            [
                s.linkmeshEnvironment.entries().length > 0,
                "nodes: several nodes need the same server secret of LinkMesh, and linkmeshEnvironment is empty, so each would make its own. Set the entry of the server secret, and that of MongoDB's connection string, in linkmeshEnvironment.",
            ],
            [
                s.subnetIds.length > 0 || s.nodes <= most,
                most > 0
                    ? `vpcCidr ${s.vpcCidr} has addresses for ${most} nodes in ${MOST_ZONES} zones, twice over while they are replaced, and not for ${s.nodes}. Set a larger block, or fewer nodes.`
                    : `vpcCidr ${s.vpcCidr} is too small for a subnet in each of ${MOST_ZONES} zones. Set a larger block, such as 10.77.0.0/24.`,
            ],
            [new Set(s.subnetIds).size === s.subnetIds.length, "subnetIds holds a subnet twice. Remove one."],
            [
                hasOwnCertificate(s) || commonName(s) !== undefined,
                `nodes: AWS Certificate Manager needs a name of at most ${LONGEST_COMMON_NAME} characters in the certificate, and the shortest, ${shortest}, has ${shortest.length}. Set certificateNames to a wildcard that covers the names, such as *.example.com, or set tlsCertificate.`,
            ],
            [
                s.caaIssuer === "" || hasOwnCertificate(s) || CERTIFICATE_MANAGER.includes(s.caaIssuer),
                `caaIssuer ${s.caaIssuer} forbids the certificates of AWS Certificate Manager, which the load balancer needs. Set caaIssuer to amazon.com.`,
            ],
        ]),
    ];
}

function isDefault(settings: Settings, name: SettingName): boolean {
    const { default: preset } = SETTINGS[name] as Setting;
    return JSON.stringify(settings[name]) === JSON.stringify(preset);
}

/** Where LinkMesh keeps its data: the value of storage.backend, as text. */
export function storageBackend({ linkmeshConfig }: Pick<Settings, "linkmeshConfig">): string | undefined {
    const { storage } = linkmeshConfig;
    if (typeof storage !== "object" || storage === null || !("backend" in storage)) return undefined;
    return typeof storage.backend === "string" ? storage.backend : JSON.stringify(storage.backend);
}
