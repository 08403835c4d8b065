import { X509Certificate, createPrivateKey } from "node:crypto";
import { posix } from "node:path";
import type { Settings } from "./settings";
import { brokenChain, readChain } from "./chain";
import {
    usesHttp01,
    certificateNames,
    covers,
    hasOwnCertificate,
    httpsNames,
    isIpv6,
    firstOutside,
    recordNames,
} from "../endpoints";
import { isPair } from "./schema/keys";
import { LETS_ENCRYPT } from "./schema/types";

/** Keys of config.yaml that the proxy's own settings decide. */
const MANAGED_CONFIG_KEYS = ["externalUrl", "http.trustedProxies", "grpc.port", "grpc.externalUrl"];

/** Settings that are right by themselves but not together, one sentence each; empty when all is well. */
export function brokenRules(settings: Settings): string[] {
    return [names, access, certificate, linkmeshPackage, linkmeshConfig, dataPaths, tags].flatMap((rules) =>
        rules(settings),
    );
}

/** A sentence for each condition that does not hold. */
function violations(rules: readonly (readonly [holds: boolean, sentence: string])[]): string[] {
    return rules.filter(([holds]) => !holds).map(([, sentence]) => sentence);
}

function names(s: Settings): string[] {
    const zone = s.hostedZone;
    const stranger = zone === "" ? undefined : firstOutside(zone, recordNames(s));
    const named = [s.domain, s.uiDomain, s.grpcDomain].filter((name) => name !== "");
    return violations([
        [
            stranger === undefined,
            stranger === s.domain
                ? `domain ${s.domain} lies outside hostedZone ${zone}: choose a name that ends in .${zone}, or another zone.`
                : `${stranger} lies outside hostedZone ${zone}: choose a name that ends in .${zone}, or publish all names by dns=external.`,
        ],
        [
            new Set(named).size === named.length,
            "domain, uiDomain and grpcDomain must be different names: nginx tells what is meant by them.",
        ],
        [s.grpc || s.grpcDomain === "", "grpcDomain names gRPC, but grpc is false: remove one of them."],
        [
            s.dns === "route53" || s.hostedZone === "",
            "hostedZone is a zone of Route 53, but dns is external: remove one of them.",
        ],
        [
            s.dns === "route53" || !s.dnsAllowOverwrite,
            "dnsAllowOverwrite speaks of records in Route 53, but dns is external: remove one of them.",
        ],
        [
            s.caaAccountUri === "" || s.caaIssuer !== "",
            "caaAccountUri narrows a CAA record, which there is none of: set caaIssuer, such as letsencrypt.org, too.",
        ],
        [
            s.caaIssuer === "" || !certificateNames(s).some((name) => name.startsWith("*.")),
            "caaIssuer publishes a record for each host, but certificateNames holds a wildcard, which the record of the whole domain decides on: remove one of them.",
        ],
        [
            s.caaIssuer === "" || s.caaIssuer === "letsencrypt.org" || hasOwnCertificate(s) || !isLetsEncrypt(s),
            `caaIssuer ${s.caaIssuer} would forbid the certificates of acmeDirectory ${s.acmeDirectory}: set it to letsencrypt.org.`,
        ],
        [
            s.caaAccountUri === "" || !hasOwnCertificate(s),
            "caaAccountUri names an ACME account, but tlsCertificate brings a certificate of your own: remove one of them.",
        ],
    ]);
}

function access(s: Settings): string[] {
    const bastion = [s.bastionHost !== "", s.bastionHostKey !== "", s.bastionPrivateKey.isSet()];
    const twice = (["sshAllowedCidrs", "httpsAllowedCidrs", "grpcAllowedCidrs", "trustedHops"] as const).filter(
        (name) => new Set(s[name]).size !== s[name].length,
    );
    return [
        ...twice.map((name) => `${name} names a network twice: remove one.`),
        ...violations([
            [
                s.sshAllowedCidrs.some((cidr) => !isIpv6(cidr)),
                "sshAllowedCidrs names IPv6 networks alone, but the steps go to the machine's IPv4 address: add the IPv4 address from which `pulumi up` runs, or that of the bastion.",
            ],
            [
                (s.sshPublicKey !== "") === s.sshPrivateKey.isSet(),
                "sshPublicKey and sshPrivateKey belong together: set both, or none to have a key pair generated.",
            ],
            [
                s.sshPublicKey === "" || s.sshPrivateKey.test((key) => key === "" || isPair(key, s.sshPublicKey)),
                "sshPublicKey is not the public key of sshPrivateKey: set the two that belong together, as `ssh-keygen -y -f FILE` prints it for the private key in FILE.",
            ],
            [
                new Set(bastion).size === 1,
                "bastionHost, bastionHostKey and bastionPrivateKey belong together: set all three, or none to connect directly.",
            ],
            [
                s.grpcAllowedCidrs.length === 0 || (s.grpc && s.grpcDomain === ""),
                s.grpc
                    ? "grpcAllowedCidrs speaks of port 50051, but with grpcDomain gRPC shares port 443: use httpsAllowedCidrs, which counts for both."
                    : "grpcAllowedCidrs speaks of port 50051, but grpc is false: remove one of them.",
            ],
            [
                s.publicAddress || s.subnetId !== "",
                "publicAddress is false, but the network that the program makes leads out by public addresses alone: set subnetId to a subnet of yours that has another way out.",
            ],
            [
                s.trustedHops.length === 0 || s.grpcDomain === "",
                "trustedHops and grpcDomain exclude each other: a hop that ends TLS cannot pass gRPC through on the same port, so give gRPC its own port or remove the hops.",
            ],
            [
                !s.trustedHops.some((hop) => hop.endsWith("/0")),
                "trustedHops must not hold a network of all addresses (/0): any client could then name the address that it likes.",
            ],
        ]),
    ];
}

function certificate(s: Settings): string[] {
    const uncovered = httpsNames(s).find((name) => !certificateNames(s).some((pattern) => covers(pattern, name)));
    const wildcard = certificateNames(s).find((name) => name.startsWith("*."));
    const redundant = s.certificateNames.find((name) =>
        s.certificateNames.some((one) => one !== name && covers(one, name)),
    );
    const unanswered = s.certificateNames.find((name) => !name.startsWith("*.") && !httpsNames(s).includes(name));
    const problems = violations([
        [
            s.acmeCaBundle === "" || holdsCertificatesOnly(s.acmeCaBundle),
            "acmeCaBundle cannot be read: each of its blocks must be a certificate in PEM form.",
        ],
        [
            hasOwnCertificate(s) === s.tlsPrivateKey.isSet(),
            "tlsCertificate and tlsPrivateKey belong together: set both, or none to have a certificate from acmeDirectory.",
        ],
        [
            (s.acmeEabKeyId !== "") === s.acmeEabHmacKey.isSet(),
            "acmeEabKeyId and acmeEabHmacKey belong together: set both as the authority shows them, or none.",
        ],
        [
            s.acmeEabKeyId === "" || !isLetsEncrypt(s),
            "acmeEabKeyId is of no use with Let's Encrypt: set acmeDirectory to the authority's URL, or remove it.",
        ],
        [
            s.acmeChallenge === "http-01" || s.dns === "route53",
            "acmeChallenge dns-01 writes into Route 53, but dns is external: use http-01, or bring a certificate by tlsCertificate.",
        ],
        [
            !usesHttp01(s) || s.httpRedirect,
            "httpRedirect is false, but http-01 needs port 80: use dns-01, bring a certificate by tlsCertificate, or leave the port open.",
        ],
        [
            s.publicAddress || !usesHttp01(s) || !isLetsEncrypt(s),
            `publicAddress is false, but ${s.acmeDirectory} is Let's Encrypt, which comes to port 80 from the internet: use dns-01, bring a certificate by tlsCertificate, or name an authority inside the network.`,
        ],
        [
            !usesHttp01(s) || wildcard === undefined,
            `certificateNames holds ${wildcard}, and authorities give wildcards by dns-01 only: set acmeChallenge to dns-01, or name each host.`,
        ],
        [
            redundant === undefined,
            `certificateNames holds ${redundant}, which a wildcard of the list covers, and authorities refuse both in one: remove it.`,
        ],
        [
            !usesHttp01(s) || uncovered !== undefined || unanswered === undefined,
            `certificateNames holds ${unanswered}, which nginx answers no http-01 challenge for: remove it, or set acmeChallenge to dns-01.`,
        ],
        [
            hasOwnCertificate(s) || uncovered === undefined,
            `certificateNames lacks ${uncovered}, which nginx answers for: add it, or a wildcard that covers it.`,
        ],
        [
            !hasOwnCertificate(s) || s.certificateNames.length === 0,
            "certificateNames says what an authority is asked for, but tlsCertificate brings a certificate of your own: remove one of them.",
        ],
        [
            !hasOwnCertificate(s) || s.acmeChallenge === "http-01",
            "acmeChallenge speaks of an authority, but tlsCertificate brings a certificate of your own: remove one of them.",
        ],
        [
            new Set(s.certificateNames).size === s.certificateNames.length,
            "certificateNames holds a name twice: remove one.",
        ],
    ]);
    if (hasOwnCertificate(s) && s.tlsPrivateKey.isSet()) problems.push(...ownCertificate(s));
    return problems;
}

function isLetsEncrypt({ acmeDirectory }: Settings): boolean {
    return acmeDirectory in LETS_ENCRYPT;
}

/** Whether every block of a bundle is a certificate; what stands between them is the reader's. */
function holdsCertificatesOnly(bundle: string): boolean {
    try {
        for (const [block] of bundle.matchAll(/-----BEGIN [\s\S]+?-----END .*/g)) new X509Certificate(block);
        return true;
    } catch {
        return false;
    }
}

function ownCertificate(s: Settings): string[] {
    let chain: X509Certificate[];
    try {
        chain = readChain(s.tlsCertificate);
    } catch {
        return [
            "tlsCertificate cannot be read: each of its blocks must be a certificate in PEM form, and the first the host's.",
        ];
    }
    const shown = chain[0]!;
    let fits: boolean;
    try {
        fits = s.tlsPrivateKey.test((key) => shown.checkPrivateKey(createPrivateKey(key)));
    } catch {
        return ["tlsPrivateKey cannot be read: it must be PEM without a passphrase."];
    }
    const uncovered = httpsNames(s).find((name) => shown.checkHost(name) === undefined);
    const notFollowed = fits ? brokenChain(chain) : undefined;
    return violations([
        [
            fits,
            "tlsPrivateKey is not the key of tlsCertificate: set the two that belong together, the host's certificate first and its chain after it.",
        ],
        [
            uncovered === undefined,
            `tlsCertificate is not for ${uncovered}: it names ${shown.subjectAltName?.replaceAll("DNS:", "") ?? "nothing"}.`,
        ],
        [new Date(shown.validTo) > new Date(), `tlsCertificate ended on ${shown.validTo}: set a newer one.`],
        [notFollowed === undefined, notFollowed ?? ""],
    ]);
}

function linkmeshPackage(s: Settings): string[] {
    return violations([
        [
            (s.linkmeshDebUrl !== "") !== (s.linkmeshAptSource !== ""),
            s.linkmeshDebUrl === ""
                ? "The LinkMesh package is missing: set linkmeshDebUrl and linkmeshDebSha256, or linkmeshAptSource, linkmeshAptKey and linkmeshVersion."
                : "linkmeshDebUrl and linkmeshAptSource exclude each other: remove one of them.",
        ],
        [
            s.linkmeshDebUrl === "" || s.linkmeshAptSource !== "" || s.linkmeshDebSha256 !== "",
            "linkmeshDebSha256 is missing: set it to the package's checksum, as `sha256sum FILE.deb` prints it.",
        ],
        [
            s.linkmeshAptSource === "" || (s.linkmeshAptKey !== "" && s.linkmeshVersion !== ""),
            "linkmeshAptSource needs linkmeshAptKey, the key that signs it, and linkmeshVersion, the version to install.",
        ],
    ]);
}

function linkmeshConfig(s: Settings): string[] {
    const database = valueAt(s.linkmeshConfig, ["storage", "boltPath"]);
    const lost =
        typeof database === "string" &&
        !s.linkmeshDataPaths.some((path) => posix.normalize(database).startsWith(`${path}/`));
    return [
        ...MANAGED_CONFIG_KEYS.filter((key) => valueAt(s.linkmeshConfig, key.split(".")) !== undefined).map(
            (key) => `linkmeshConfig must not hold ${key}: the program sets it, so remove it.`,
        ),
        ...violations([
            [
                !lost,
                `linkmeshConfig puts the database at ${String(database)}, which would go with the machine: choose a place below ${s.linkmeshDataPaths.join(" or ")}, or add its directory to linkmeshDataPaths.`,
            ],
        ]),
    ];
}

function dataPaths({ linkmeshDataPaths: paths, linkmeshEnvironmentFile: file }: Settings): string[] {
    return [
        ...paths.flatMap((path) => {
            const outer = paths.find((other) => path !== other && path.startsWith(`${other}/`));
            return violations([
                [outer === undefined, `linkmeshDataPaths holds ${path} inside ${outer}: name the outer one only.`],
                [
                    !file.startsWith(`${path}/`),
                    `linkmeshEnvironmentFile lies inside ${path} of linkmeshDataPaths: it is kept already, choose another directory.`,
                ],
            ]);
        }),
        ...violations([[new Set(paths).size === paths.length, "linkmeshDataPaths names a directory twice: remove one."]]),
    ];
}

/** Of the 50 tags that AWS takes a data volume has five more, and its snapshots by the scheduler dlm:managed, too. */
const MOST_ON_SNAPSHOTS = 44;

/** The scheduler is tagged as well, and takes fewer characters than IAM: TagKey of its API. */
function tags(s: Settings): string[] {
    const keys = Object.keys(s.tags);
    const refused = keys.find((key) => !/^[a-zA-Z0-9_.:/=+-]+$/.test(key));
    return violations([
        [
            s.dailySnapshots === 0 || keys.length <= MOST_ON_SNAPSHOTS,
            `tags holds ${keys.length} tags, but with dailySnapshots ${MOST_ON_SNAPSHOTS} is the most, since its scheduler adds one: remove one, or set dailySnapshots to 0.`,
        ],
        [
            s.dailySnapshots === 0 || refused === undefined,
            `tags holds the key "${refused}", but the scheduler of dailySnapshots takes keys of A-Z, a-z, 0-9 and _.:/=+- alone: name it otherwise, or set dailySnapshots to 0.`,
        ],
    ]);
}

/** The value at a path of keys; undefined if there is none. */
function valueAt(value: unknown, path: readonly string[]): unknown {
    const [key, ...rest] = path;
    if (key === undefined) return value;
    if (typeof value !== "object" || value === null) return undefined;
    return valueAt((value as Record<string, unknown>)[key], rest);
}
