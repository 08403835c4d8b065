import { createHash } from "node:crypto";
import { join } from "node:path";

/**
 * One lab: a laptop-sized cloud on this machine. All of its names, paths and addresses are derived from its slot, so
 * that several labs (two checkouts, or tests beside a lab in use) do not conflict.
 *
 * Addresses come only from 10.77.0.0/16 and fd77::/48:
 *   10.77.(128+2s).0/24   the lab's "internet": .1 the outer machine, .2 the router, .53 DNS, .54 ACME, .55 packages, .56 apt cache, .57 AWS,
 *                         .58 the user's own database and Git remote
 *   10.77.(129+2s).0/24   elastic addresses
 *   10.77.(112+s).0/24    the VPC that exists from the start; the outer machine reaches its private subnet over a VPN
 *   fd77:0:0:(s*20hex)00::/64 the same "internet" in IPv6 (same last numbers, ::1, ::2, ::53 …)
 *   fd77:0:0:(s*20hex+v)00::/56 the VPC number v, from 1 to 31; 31 is the one that exists from the start
 */
export interface Lab {
    /** 0 to 7. */
    readonly slot: number;
    /** Prefix of all namespace, interface and machine names. At most 7 characters, because interface names have 15. */
    readonly prefix: string;
    /** All files of this lab: state, machines, volumes, services. `destroy` removes it. */
    readonly dir: string;
    /** Files of all labs, which `destroy` keeps: images, apt packages, the engine. */
    readonly cacheDir: string;
    readonly net: LabNet;
}

/** Addresses of the lab's "internet", see {@link Lab}. */
export interface LabNet {
    readonly outer: string;
    readonly router: string;
    readonly dns: string;
    readonly acme: string;
    readonly packages: string;
    readonly aptCache: string;
    readonly aws: string;
    readonly storage: string;
    readonly outer6: string;
    readonly router6: string;
    readonly internetCidr: string;
    readonly elasticCidr: string;
    /** The /24 of the VPC that exists from the start. */
    readonly existingCidr: string;
    /** The `n`th elastic address, n from 1. */
    elasticAddress(n: number): string;
    /** The /56 of the VPC number `v`, from 1 to 31, as "fd77:0:0:2100::/56". */
    vpcIpv6Cidr(v: number): string;
}

/** The zone of the lab's DNS server. */
export const LAB_ZONE = "example.test";
export const LAB_DOMAIN = "linkmesh.example.test";

/** The region in which a new lab's stack is, and of whose CloudWatch machines have a stand-in. */
export const LAB_REGION = "eu-central-1";

export const SLOTS = 8;

/** Directory of all labs. */
export function labRoot(): string {
    return process.env.LINKMESH_LAB_ROOT ?? "/var/lib/linkmesh-lab";
}

export function labCacheDir(): string {
    return process.env.LINKMESH_LAB_CACHE ?? "/var/cache/linkmesh-lab";
}

/** The lab in a slot. Pure: nothing is created. */
export function labAt(slot: number): Lab {
    if (!Number.isInteger(slot) || slot < 0 || slot >= SLOTS)
        throw new Error(`lab slot ${slot} is not between 0 and ${SLOTS - 1}`);
    const v4 = `10.77.${128 + 2 * slot}`;
    const elastic = `10.77.${129 + 2 * slot}`;
    const hex = (v: number) => ((slot * 0x20 + v) << 8).toString(16);
    const v6 = `fd77:0:0:${hex(0)}`;
    return {
        slot,
        prefix: `lml${slot}`,
        dir: join(labRoot(), String(slot)),
        cacheDir: labCacheDir(),
        net: {
            outer: `${v4}.1`,
            router: `${v4}.2`,
            dns: `${v4}.53`,
            acme: `${v4}.54`,
            packages: `${v4}.55`,
            aptCache: `${v4}.56`,
            aws: `${v4}.57`,
            storage: `${v4}.58`,
            outer6: `${v6}::1`,
            router6: `${v6}::2`,
            internetCidr: `${v4}.0/24`,
            elasticCidr: `${elastic}.0/24`,
            existingCidr: `10.77.${112 + slot}.0/24`,
            elasticAddress: (n) => {
                if (n < 1 || n > 254) throw new Error("the lab has 254 elastic addresses, all are in use");
                return `${elastic}.${n}`;
            },
            vpcIpv6Cidr: (v) => {
                if (v < 1 || v > 31) throw new Error("the lab has room for 31 VPCs, all are in use");
                return `fd77:0:0:${hex(v)}::/56`;
            },
        },
    };
}

/** A short name for a cloud id, for kernel objects whose names are limited to 15 characters. */
export function shortId(id: string): string {
    return createHash("sha256").update(id).digest("hex").slice(0, 7);
}

/** An error that a user can cause or fix: one sentence, printed without a stack trace. */
export class LabError extends Error {
    override name = "LabError";
}

/** Reports progress as a short phrase. Each phrase replaces the one before. */
export type Progress = (message: string) => void;
