import ipaddr from "ipaddr.js";
import { X509Certificate, createPrivateKey } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { decrypt, encrypt, type Authority, type KeyPair, type Sealed, type SubjectNames } from "./authority.ts";
import type { Config } from "./config.ts";
import type { Database } from "./database.ts";
import { EXIT, Failure, systemReason } from "./failure.ts";

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

/** Where the pair of the gRPC listener is kept. */
export interface CertificateStore {
    readonly name: string;
    /** The pair, certificate first, PEM; undefined if there is none. */
    read(): Promise<string | undefined>;
    /** @returns false if another instance has written one meanwhile */
    write(pem: string): Promise<boolean>;
}

/**
 * A file beside BoltDB's. Key and certificate share one file, so that a crash between two writes cannot leave a pair
 * that does not match. The writer owns the file, hence the guide's `runuser -u linkmesh`.
 */
function certificateFile(boltPath: string): CertificateStore {
    const file = join(dirname(boltPath), "pki", "grpc-server.pem");
    const attempt = <T>(doing: string, action: () => T): Promise<T> => {
        try {
            return Promise.resolve(action());
        } catch (error) {
            throw new Failure(`cannot ${doing} the gRPC certificate ${file}: ${systemReason(error)}`);
        }
    };
    return {
        name: file,
        read: () => attempt("read", () => (existsSync(file) ? readFileSync(file, "utf8") : undefined)),
        write: (pem) =>
            attempt("write", () => {
                mkdirSync(dirname(file), { recursive: true, mode: 0o750 });
                writeFileSync(`${file}.new`, pem, { mode: 0o600 });
                renameSync(`${file}.new`, file);
                return true;
            }),
    };
}

/** A record of the database, so that all instances serve one certificate and none keeps anything. */
function certificateRecord(database: Database, secret: string): CertificateStore {
    const all = () => database.find("server-certificate");
    return {
        name: `in the database ${database.name}`,
        read: async () => {
            // Not by time, because the instances' clocks differ.
            const newest = (await all()).sort((one, other) => Number(one.number) - Number(other.number)).at(-1);
            return newest && decrypt(newest.pem as Sealed, secret).toString();
        },
        write: async (pem) => {
            const sealed = encrypt(Buffer.from(pem), secret);
            const number = String((await all()).length);
            return database.add({ type: "server-certificate", number, pem: sealed }, { durable: true });
        },
    };
}

export function certificateStore({ backend, boltPath }: Config, database: Database, secret: string): CertificateStore {
    return backend === "bolt" ? certificateFile(boltPath) : certificateRecord(database, secret);
}

/** The current pair; undefined if there is none. @throws {Failure} if it cannot be read or is of another CA */
async function read(store: CertificateStore, authority: Authority): Promise<KeyPair | undefined> {
    const pem = await store.read();
    if (pem === undefined) return undefined;
    try {
        const [certificate, privateKey] = [new X509Certificate(pem), createPrivateKey(pem)];
        const ca = new X509Certificate(authority.caCertificate);
        if (!certificate.verify(ca.publicKey) || !certificate.checkPrivateKey(privateKey))
            throw new Error("another CA");
    } catch {
        throw new Failure(
            `the gRPC certificate ${store.name} was not issued by this database's internal CA: ` +
                "restore the one that belongs to it, or remove it and run linkmesh-server cert init",
            EXIT.configuration,
        );
    }
    const split = pem.indexOf("-----BEGIN PRIVATE KEY-----");
    return { certificate: pem.slice(0, split), privateKey: pem.slice(split) };
}

/** @returns false if another instance has written one meanwhile */
async function issue(store: CertificateStore, authority: Authority, names: SubjectNames): Promise<boolean> {
    const pair = await authority.issueServer(names);
    return store.write(pair.certificate + pair.privateKey);
}

/** The certificate to serve. If there is none, issues one for the machine's own names. */
export async function ensureServerCertificate(store: CertificateStore, authority: Authority): Promise<KeyPair> {
    const current = await read(store, authority);
    if (current) return current;
    await issue(store, authority, defaultNames());
    return (await read(store, authority))!;
}

/** Issues a new certificate with the old one's names and the new names. Returns all names. */
export async function reissueServerCertificate(
    store: CertificateStore,
    authority: Authority,
    wanted: SubjectNames[],
): Promise<SubjectNames> {
    for (;;) {
        const current = await read(store, authority);
        const names = mergeSubjectNames(current ? subjectNames(current.certificate) : defaultNames(), ...wanted);
        if (await issue(store, authority, names)) return names;
    }
}
