import { describe, expect, test } from "vitest";
import { LINKMESH_FILES_FOLDER } from "../../components/settings/schema/linkmesh.ts";
import { BASTION } from "./keys.ts";
import { ownPairs } from "./own-pairs.ts";
import { GOOD, problems } from "./problems.ts";
import { LONG_NAME, TIER_VALUES } from "./tier-settings.ts";

const OWN_CA = "https://acme.example.com/directory";

const refusals = (values: Record<string, unknown>) => problems({ ...GOOD, ...values });
const { own, pair } = ownPairs();
const bolt = (boltPath: string) => ({ linkmeshConfig: { storage: { boltPath } } });
const eightTags = () => Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`tag-${i}`, "x"]));

describe("combinations that make sense", () => {
    test.each<[string, () => Record<string, unknown>]>([
        ["gRPC on port 443", () => ({ grpcDomain: "grpc.example.com" })],
        ["gRPC on port 443 and a UI name", () => ({ grpcDomain: "grpc.example.com", uiDomain: "ui.example.com" })],
        ["gRPC off, port 443 for some networks", () => ({ grpc: false, httpsAllowedCidrs: ["10.0.0.0/8"] })],
        ["a wildcard by DNS", () => ({ acmeChallenge: "dns-01", certificateNames: ["*.example.com"] })],
        ["DNS and no port 80", () => ({ acmeChallenge: "dns-01", httpRedirect: false })],
        ["another authority", () => ({ acmeDirectory: OWN_CA, acmeEabKeyId: "kid", acmeEabHmacKey: "aGVsbG8" })],
        ["a certificate of one's own, no port 80", () => ({ ...pair(own.good), httpRedirect: false })],
        [
            "a private network, and its own authority there",
            () => ({ publicAddress: false, subnetId: "subnet-0abc", acmeDirectory: OWN_CA }),
        ],
        ["the database at another place on the data volume", () => bolt("/data/linkmesh/./other/state.db")],
        [
            "the database in a directory that is placed on the data volume",
            () => ({ ...bolt("/opt/lm/state.db"), linkmeshDataPaths: ["/opt/lm"] }),
        ],
        [
            "paths of files for LinkMesh, at a sentence's end, in a URL and in the environment",
            () => ({
                linkmeshFiles: { "ca.pem": "x", "git_key@2": "x", "a+b.": "x" },
                linkmeshConfig: {
                    ca: `${LINKMESH_FILES_FOLDER}/ca.pem`,
                    note: `See ${LINKMESH_FILES_FOLDER}/ca.pem.\n${LINKMESH_FILES_FOLDER}/a+b. is in ${LINKMESH_FILES_FOLDER}/.`,
                    url: `file://${LINKMESH_FILES_FOLDER}/git_key%402`,
                },
                linkmeshEnvironment: {
                    KEY: `git://a/?key=${encodeURIComponent(`${LINKMESH_FILES_FOLDER}/git_key@2`)}&b=%2b`,
                    LOWER: `git://a/?key=${LINKMESH_FILES_FOLDER.replaceAll("/", "%2f")}%2fa%2bb.`,
                    IN_ANOTHER: `git://a/?b=${encodeURIComponent(`c=${LINKMESH_FILES_FOLDER}/ca.pem&d=e`)}`,
                },
            }),
        ],
        [
            "paths of files elsewhere that look like those for LinkMesh",
            () => ({
                linkmeshConfig: {
                    a: `/mnt${LINKMESH_FILES_FOLDER}/x`,
                    b: LINKMESH_FILES_FOLDER,
                    c: "/etc/LinkMesh-proxy/files/x",
                },
                linkmeshEnvironment: { A: `/mnt${encodeURIComponent(`${LINKMESH_FILES_FOLDER}/x`)}` },
            }),
        ],
        ["several nodes", () => TIER_VALUES],
        [
            "several nodes in subnets of one's own, with a UI name and CAA",
            () => ({
                ...{ ...TIER_VALUES, uiDomain: "ui.example.com", caaIssuer: "amazon.com", nodes: 83 },
                ...{ subnetIds: ["subnet-0a", "subnet-0b"], vpcCidr: "10.77.0.0/28" },
            }),
        ],
        [
            "several nodes with a wildcard and without port 80",
            () => ({ ...TIER_VALUES, certificateNames: ["*.example.com"], httpRedirect: false }),
        ],
        [
            "several nodes with a long name, and a shorter one beside it",
            () => ({ ...TIER_VALUES, domain: "short.example.com", uiDomain: LONG_NAME }),
        ],
        [
            "several nodes with a long name and a wildcard for it",
            () => ({ ...TIER_VALUES, domain: LONG_NAME, certificateNames: ["*.example.com"] }),
        ],
        [
            "several nodes with one's own certificate",
            () => ({ ...TIER_VALUES, ...pair(own.good), caaIssuer: "letsencrypt.org" }),
        ],
        ["as many nodes as addresses", () => ({ ...TIER_VALUES, vpcCidr: "10.77.0.0/25", nodes: 27 })],
        ["names elsewhere with CAA", () => ({ dns: "external", caaIssuer: "letsencrypt.org" })],
        ["hops before the machine, and gRPC beside", () => ({ trustedProxies: ["203.0.113.0/24"] })],
        ["a bastion", () => BASTION],
        [
            "alarms by mail and to a topic",
            () => ({ alarms: ["a@example.com", "arn:aws:sns:us-east-1:123456789012:ops"], tags: eightTags() }),
        ],
    ])("%s", (_, values) => expect(refusals(values())).toEqual([]));
});
