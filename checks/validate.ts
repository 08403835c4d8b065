import { X509Certificate } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { resolveTarget, hostNames, skippedChecks } from "./target.ts";
import { CHECK_NAMES, type Target } from "./types.ts";
import { UsageError } from "./usage-error.ts";

/** The target or an option is invalid, and nothing was checked. */
export class InvalidTarget extends UsageError {
    override name = "InvalidTarget";
}

const HOST = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/i;

/** @throws InvalidTarget */
export function validate(target: Target, only: string[]): void {
    rejectAddresses(target);
    rejectPorts(target);
    if (target.ca !== undefined && !isPem(target.ca)) reject("the CA file holds no certificate in PEM format");
    if (target.ssh?.length === 0) reject("the ssh command is empty");
    rejectSharedNames(target);
    rejectChecks(target, only);
}

function reject(sentence: string): never {
    throw new InvalidTarget(sentence);
}

function rejectAddresses(target: Target): void {
    const { ipv4, ipv6, dns } = target;
    for (const host of hostNames(target)) {
        if (!HOST.test(host)) reject(`"${host}" is not a host name such as linkmesh.example.com`);
    }
    if (ipv4 !== undefined && !isIPv4(ipv4)) reject(`"${ipv4}" is not an IPv4 address such as 192.0.2.7`);
    if (typeof ipv6 === "string" && !isIPv6(ipv6)) reject(`"${ipv6}" is not an IPv6 address such as 2001:db8::7`);
    for (const server of Array.isArray(dns) ? dns : []) {
        if (!isNameServer(server)) reject(`"${server}" is not the address of a name server, such as 192.0.2.53`);
    }
}

function rejectPorts({ httpPort, httpsPort, grpc, closedPorts = [] }: Target): void {
    for (const port of [httpPort, httpsPort, grpc && grpc.port, ...closedPorts]) {
        if (typeof port === "number" && !(Number.isInteger(port) && port > 0 && port < 65536)) {
            reject(`${port} is not a port between 1 and 65535`);
        }
    }
}

function rejectChecks(target: Target, only: string[]): void {
    const skipped = skippedChecks(target);
    for (const name of only) {
        const known = CHECK_NAMES.find((known) => known === name);
        if (!known) reject(`there is no check "${name}": the checks are ${CHECK_NAMES.join(", ")}`);
        else if (skipped.has(known)) reject(`the check "${name}" ${skipped.get(known)}`);
    }
}

/** On the HTTPS port only the name tells gRPC and https apart. */
function rejectSharedNames(target: Target): void {
    const { host, uiHost, grpc, httpsPort } = resolveTarget(target, "ipv4", "");
    if (target.uiHost === host) reject(`${host} is the public host, not a name of the web UI's own: remove --ui-host`);
    if (target.grpc === false || grpc.port !== httpsPort || ![host, uiHost].includes(grpc.host)) return;
    reject(`gRPC on the HTTPS port ${httpsPort} needs a name of its own, not ${grpc.host}: --grpc-host`);
}

function isPem(text: string): boolean {
    try {
        new X509Certificate(text);
        return true;
    } catch {
        return false;
    }
}

function isNameServer(address: string): boolean {
    return isIPv4(address.replace(/:\d+$/, "")) || isIPv6(address.replace(/^\[(.*)\](:\d+)?$/, "$1"));
}
