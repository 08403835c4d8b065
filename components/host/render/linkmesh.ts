import { Document, visit } from "yaml";
import type { GrpcEndpoint } from "../../endpoints.ts";
import { LISTENERS } from "../../listeners.ts";

export interface LinkMeshConfigArgs {
    /** The public hostname. */
    domain: string;
    /** Where agents connect; undefined if gRPC is off. LinkMesh still listens on the internal port, which no firewall rule opens. */
    grpc: GrpcEndpoint | undefined;
    /** Additional keys of the user. */
    extra: Readonly<Record<string, unknown>>;
}

/** The keys that are merged into LinkMesh's config.yaml, as YAML. Pure. */
export function renderConfig({ domain, grpc, extra }: LinkMeshConfigArgs): string {
    const proxy = {
        externalUrl: `https://${domain}`,
        // Only nginx connects from loopback. From a wider range, a client could forge its address.
        http: { trustedProxies: ["127.0.0.1/32", "::1/128"] },
        grpc: {
            port: LISTENERS.grpc.internalPort,
            ...(grpc && { externalUrl: `${grpc.host}:${grpc.port}` }),
        },
    };
    return toYaml(merge(extra, proxy));
}

/** An environment file for systemd. Pure. */
export function renderEnvironment(entries: Readonly<Record<string, string>>): string {
    return Object.entries(entries)
        .map(([name, value]) => `${name}="${value.replace(/(["\\$`])/g, "\\$1")}"\n`)
        .join("");
}

/** Name and text of each file, the text in base64. Pure. */
export function renderFiles(files: Readonly<Record<string, string>>): string {
    return Object.entries(files)
        .map(([name, text]) => `${name} ${Buffer.from(text).toString("base64")}\n`)
        .join("");
}

/** Text that is text in every version of YAML: a word, a path, a URL, a network or a duration. */
const PLAIN = /^(?!(true|false|null|yes|no|on|off|y|n)$)[a-z/][\w./:@-]*$|^[\da-f.:]+\/\d+$|^\d+[smhd]$/i;

/** Characters that a YAML file may hold only as escapes, and that JSON, whose quotes these are, leaves as they are. */
const UNPRINTABLE = /[\x7f-\x9f\ufeff\ufffe\uffff]/g;

/**
 * YAML that the machine's reader and LinkMesh's read alike. Unquoted, some of them take 1_000 for a number, "on" for true, "<<"
 * for a merge and "=" for nothing.
 */
function toYaml(value: unknown): string {
    const document = new Document(value, { aliasDuplicateObjects: false });
    visit(document, {
        Scalar(_, node) {
            if (typeof node.value === "string" && !PLAIN.test(node.value)) node.type = "QUOTE_DOUBLE";
        },
    });
    return (
        document
            // No line breaks in quotes: the machine's reader takes none in a key.
            .toString({ lineWidth: 0, doubleQuotedMinMultiLineLength: Infinity })
            .replace(UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`)
    );
}

/** A deep merge. The overlay wins. */
function merge(
    base: Readonly<Record<string, unknown>>,
    overlay: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
    const merged: Record<string, unknown> = { ...base };
    for (const [key, value] of Object.entries(overlay)) {
        const baseValue = base[key];
        merged[key] = isMap(baseValue) && isMap(value) ? merge(baseValue, value) : value;
    }
    return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
