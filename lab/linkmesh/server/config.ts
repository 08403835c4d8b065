import ipaddr from "ipaddr.js";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { parseDocument } from "yaml";
import { EXIT, Failure, systemReason } from "./failure.ts";

export interface Config {
    /** Public base URL without a trailing slash. */
    externalUrl: string;
    httpPort: number;
    /** CIDRs of the trusted proxies, whose X-Forwarded-* headers are used. */
    trustedProxies: string[];
    grpcPort: number;
    /** host:port that agents dial. */
    grpcExternalUrl: string;
    backend: "bolt" | "mongodb";
    /** The database of `bolt`. What the machine keeps with either backend stands beside it. */
    boltPath: string;
    /** The config store that instances share; undefined if it is on this machine alone. */
    gitRemote: string | undefined;
    gitBranch: string;
    gitCaFile: string | undefined;
    metricsEnabled: boolean;
}

const DEFAULTS: Config = {
    externalUrl: "http://localhost:8080",
    httpPort: 8080,
    trustedProxies: [],
    grpcPort: 50051,
    grpcExternalUrl: "localhost:50051",
    backend: "bolt",
    boltPath: "/data/linkmesh/state.db",
    gitRemote: undefined,
    gitBranch: "main",
    gitCaFile: undefined,
    metricsEnabled: false,
};

/** Reads one value into the configuration. If the value is wrong, returns what it must be. */
type Reader = (value: unknown, config: Config) => string | undefined;

const KEYS: Record<string, Reader> = {
    externalUrl: (value, config) => {
        if (typeof value !== "string" || !/^https?:\/\/[^/\s]+\/?$/.test(value) || !URL.canParse(value))
            return "an http or https URL without a path";
        config.externalUrl = value.replace(/\/$/, "");
    },
    "http.port": (value, config) => {
        if (!isPort(value)) return "a port number from 1 to 65535";
        config.httpPort = value;
    },
    "http.trustedProxies": (value, config) => {
        const isList = (list: unknown): list is string[] => Array.isArray(list) && list.every(isAddressOrCidr);
        if (!isList(value)) return "a list of addresses or CIDRs";
        config.trustedProxies = value;
    },
    "grpc.port": (value, config) => {
        if (!isPort(value)) return "a port number from 1 to 65535";
        config.grpcPort = value;
    },
    "grpc.externalUrl": (value, config) => {
        const port = typeof value === "string" ? /^[^\s/:]+:(\d+)$|^\[[0-9a-f:.]+\]:(\d+)$/i.exec(value) : null;
        if (!port || !isPort(Number(port[1] ?? port[2]))) return "host:port without a scheme";
        config.grpcExternalUrl = value as string;
    },
    "storage.backend": (value, config) => {
        if (value !== "bolt" && value !== "mongodb") return "bolt or mongodb";
        config.backend = value;
    },
    "storage.boltPath": (value, config) => {
        if (typeof value !== "string" || !value.startsWith("/")) return "an absolute path";
        config.boltPath = value;
    },
    "gitops.remote": (value, config) => {
        const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
        if (url?.protocol !== "https:" || url.username || url.password) return "an https URL without a login";
        config.gitRemote = url.href;
    },
    "gitops.branch": (value, config) => {
        if (typeof value !== "string" || !/^\w[\w./-]*$/.test(value)) return "the name of a branch";
        config.gitBranch = value;
    },
    "gitops.caFile": (value, config) => {
        if (typeof value !== "string" || !value.startsWith("/")) return "an absolute path";
        config.gitCaFile = value;
    },
    "metrics.enabled": (value, config) => {
        if (typeof value !== "boolean") return "true or false";
        config.metricsEnabled = value;
    },
};

function isPort(value: unknown): value is number {
    return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= 65535;
}

function isAddressOrCidr(value: unknown): boolean {
    if (typeof value !== "string") return false;
    const [address = ""] = value.split("/");
    return isIP(address) !== 0 && (address === value || ipaddr.isValidCIDR(value));
}

function isMapping(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Reads configuration text. Ignores unknown keys with a warning, because an operator may share a file between versions.
 *
 * @param name the text's name in messages, usually its path
 * @throws {Failure} with one line if the text is not YAML or a known key has a wrong value
 */
export function parseConfig(text: string, name: string): { config: Config; warnings: string[] } {
    const fail = (message: string) => new Failure(`${name}: ${message}`, EXIT.configuration);
    const document = parseDocument(text);
    const broken = document.errors[0];
    if (broken) throw fail(`not valid YAML: ${broken.message.split("\n")[0]?.replace(/:$/, "")}`);

    const config = { ...DEFAULTS };
    const warnings: string[] = [];
    const read = (mapping: Record<string, unknown>, prefix: string) => {
        for (const [key, value] of Object.entries(mapping)) {
            const path = prefix + key;
            const isSection = Object.keys(KEYS).some((known) => known.startsWith(`${path}.`));
            if (value === null && (isSection || KEYS[path])) continue;
            if (isSection) {
                if (!isMapping(value)) throw fail(`${path} must be a mapping, not ${JSON.stringify(value)}`);
                read(value, `${path}.`);
            } else if (KEYS[path]) {
                const wanted = KEYS[path](value, config);
                if (wanted) throw fail(`${path} must be ${wanted}, not ${JSON.stringify(value)}`);
            } else {
                warnings.push(`${name}: unknown key ${path} is ignored`);
            }
        }
    };
    const root: unknown = document.toJS() ?? {};
    if (!isMapping(root)) throw fail("must hold a mapping of keys");
    read(root, "");
    return { config, warnings };
}

/** @throws {Failure} also if the file cannot be read */
export function loadConfig(file: string): { config: Config; warnings: string[] } {
    let text: string;
    try {
        text = readFileSync(file, "utf8");
    } catch (error) {
        throw new Failure(`cannot read the configuration ${file}: ${systemReason(error)}`, EXIT.configuration);
    }
    return parseConfig(text, file);
}
