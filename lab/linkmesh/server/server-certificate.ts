import ipaddr from "ipaddr.js";
import { X509Certificate, createPrivateKey } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import type { Authority, KeyPair, SubjectNames } from "./authority.ts";
import { EXIT, Failure, systemReason } from "./failure.ts";

/**
 * The certificate file of the gRPC listener. Key and certificate share one file, so that a crash between two writes
 * cannot leave a pair that does not match. The writer owns the file, hence the guide's `runuser -u linkmesh`.
 */
export function serverCertificateFile(boltPath: string): string {
    return join(dirname(boltPath), "pki", "grpc-server.pem");
}

/** Parses "dns:NAME" or "ip:ADDRESS". @throws {Failure} for anything else */
export function parseSubjectName(san: string): SubjectNames {
    const [kind, value] = [san.slice(0, san.indexOf(":")), san.slice(san.indexOf(":") + 1)];
    if (kind === "dns" && /^(\*\.)?([a-z0-9_]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(value))
        return { dns: [value.toLowerCase()], ip: [] };
    if (kind === "ip" && isIP(value)) return { dns: [], ip: [value] };
    throw new Failure(`--san ${san}: must be dns:HOSTNAME or ip:ADDRESS`, EXIT.usage);
}

/** The subject alternative names of a certificate. */
export function subjectNames(certificate: string): SubjectNames {
    const names: SubjectNames = { dns: [], ip: [] };
    for (const entry of (new X509Certificate(certificate).subjectAltName ?? "").split(", ")) {
        if (entry.startsWith("DNS:")) names.dns.push(entry.slice("DNS:".length));
        if (entry.startsWith("IP Address:")) names.ip.push(entry.slice("IP Address:".length));
    }
    return names;
}

/** One spelling for each address, because certificates have 0:0:0:0:0:0:0:1 for ::1. */
function canonical(ip: string): string {
    return ipaddr.parse(ip).toString();
}

/** Merges names without duplicates. */
export function mergeSubjectNames(...all: SubjectNames[]): SubjectNames {
    const unique = (values: string[]) => [...new Set(values)];
    return {
        dns: unique(all.flatMap((names) => names.dns)),
        ip: unique(all.flatMap((names) => names.ip.map(canonical))),
    };
}

function defaultNames(): SubjectNames {
    const own = hostname().toLowerCase();
    const dns = /^[a-z0-9.-]+$/.test(own) && own !== "localhost" ? ["localhost", own] : ["localhost"];
    return { dns, ip: ["127.0.0.1", "::1"] };
}

/** The current pair; undefined if there is none. @throws {Failure} if it cannot be read or is of another CA */
function read(file: string, authority: Authority): KeyPair | undefined {
    let pem: string;
    try {
        pem = readFileSync(file, "utf8");
    } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw new Failure(`cannot read the gRPC certificate ${file}: ${systemReason(error)}`);
    }
    try {
        const [certificate, privateKey] = [new X509Certificate(pem), createPrivateKey(pem)];
        const ca = new X509Certificate(authority.caCertificate);
        if (!certificate.verify(ca.publicKey) || !certificate.checkPrivateKey(privateKey))
            throw new Error("another CA");
    } catch {
        throw new Failure(
            `the gRPC certificate ${file} was not issued by this database's internal CA: ` +
                "restore the one that belongs to it, or remove the file and run linkmesh-server cert init",
            EXIT.configuration,
        );
    }
    const split = pem.indexOf("-----BEGIN PRIVATE KEY-----");
    return { certificate: pem.slice(0, split), privateKey: pem.slice(split) };
}

async function issue(file: string, authority: Authority, names: SubjectNames): Promise<KeyPair> {
    const pair = await authority.issueServer(names);
    try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
        writeFileSync(`${file}.new`, pair.certificate + pair.privateKey, { mode: 0o600 });
        renameSync(`${file}.new`, file);
    } catch (error) {
        throw new Failure(`cannot write the gRPC certificate ${file}: ${systemReason(error)}`);
    }
    return pair;
}

/** The certificate to serve. If there is none, issues one for the machine's own names. */
export async function ensureServerCertificate(file: string, authority: Authority): Promise<KeyPair> {
    return read(file, authority) ?? (await issue(file, authority, defaultNames()));
}

/** Issues a new certificate with the old one's names and the new names. Returns all names. */
export async function reissueServerCertificate(
    file: string,
    authority: Authority,
    wanted: SubjectNames[],
): Promise<SubjectNames> {
    const current = read(file, authority);
    const names = mergeSubjectNames(current ? subjectNames(current.certificate) : defaultNames(), ...wanted);
    await issue(file, authority, names);
    return names;
}
