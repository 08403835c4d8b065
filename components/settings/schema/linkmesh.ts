import { z } from "zod";
import {
    hasLogin,
    optional,
    packageChecksum,
    pem,
    plainPath,
    plainValue,
    serviceDirectory,
    text,
    url,
    wholeNumber,
} from "./types.ts";
import { setting } from "./setting.ts";

/** Whether apt can use the URL of a source. apt appends its own paths, and splits auth.conf at white space. */
function isAptUrl(source: string): boolean {
    const [address = ""] = source.split(" ");
    if (!URL.canParse(address) || address.includes("?")) return false;
    const { username, password } = new URL(address);
    try {
        return !/\s/.test(decodeURIComponent(username) + decodeURIComponent(password));
    } catch {
        return false;
    }
}

/** Where the machine has the files of linkmeshFiles. Not LinkMesh's own folder, whose rights its package decides. */
export const LINKMESH_FILES_FOLDER = "/etc/linkmesh-proxy/files";

/** The CLI hands all settings to the program in one environment variable, of which Linux takes 128 KiB. */
const MOST_FILE_BYTES = 65_536;

/** LinkMesh itself. */
export const LINKMESH_SETTINGS = {
    linkmeshDebUrl: setting({
        type: "string",
        description:
            "URL of the LinkMesh server's Debian package. Set this with linkmeshDebSha256, or linkmeshAptSource instead. Set it with --secret if it holds a login or a signature.",
        default: "",
        example: "https://packages.example.com/linkmesh-server_1.101.0_amd64.deb",
        change: [],
        changeNote: "the package stays the same as long as linkmeshDebSha256 does",
        // A query may contain a signature (presigned URL).
        holdsCredentials: (value) => hasLogin(value) || new URL(value).search !== "",
        schema: optional(url(/^https?:$/, "must be an http or https URL of a .deb file")),
    }),
    linkmeshDebSha256: setting({
        type: "string",
        description:
            "SHA-256 checksum of that package, in hexadecimal. A package with another checksum is not installed.",
        default: "",
        example: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        change: ["LinkMesh restarts"],
        changeNote: "LinkMesh also stands still while its data are copied",
        schema: optional(packageChecksum),
    }),
    linkmeshAptSource: setting({
        type: "string",
        description:
            "APT source of the package linkmesh-server: URL, suite and components. Needs linkmeshAptKey and linkmeshVersion. Set it with --secret if the URL holds a login, which the machine keeps in apt's auth.conf.",
        default: "",
        example: "https://apt.example.com/debian stable main",
        change: ["LinkMesh restarts"],
        changeNote: "nothing if linkmeshVersion stays the same",
        holdsCredentials: (source) => hasLogin(source.split(" ")[0]!),
        schema: optional(
            text
                // Accept a whole line of a sources.list.
                .overwrite((source) => source.replace(/^deb\s+(?=http)/, "").replace(/[ \t]+/g, " "))
                .regex(
                    /^https?:\/\/[^\s#[\]"]+ ([A-Za-z0-9./_~-]*\/|[A-Za-z0-9][A-Za-z0-9./_~-]*(?<!\/)( [A-Za-z0-9][A-Za-z0-9./_-]*)+)$/,
                    'must be "URL SUITE COMPONENT…", such as: https://apt.example.com/debian stable main',
                )
                .refine(
                    isAptUrl,
                    "must have a URL without a query, and without white space in a user name or password",
                ),
        ),
    }),
    linkmeshAptKey: setting({
        type: "string",
        description: "Public key that signs the APT source, ASCII-armoured.",
        default: "",
        example: "-----BEGIN PGP PUBLIC KEY BLOCK-----…",
        change: [],
        schema: optional(pem("PGP PUBLIC KEY BLOCK")),
    }),
    linkmeshVersion: setting({
        type: "string",
        description: "Version of the package to install from the APT source.",
        default: "",
        example: "1.101.0",
        change: ["LinkMesh restarts"],
        changeNote: "LinkMesh also stands still while its data are copied",
        schema: optional(
            text.regex(
                /^(\d{1,9}:)?\d([A-Za-z0-9.+~-]*[A-Za-z0-9.+~])?$/,
                "must be a Debian package version such as 1.101.0",
            ),
        ),
    }),
    linkmeshEnvironment: setting({
        type: "object",
        description:
            "Entries for LinkMesh's environment file. Set each with: pulumi config set --secret --path linkmeshEnvironment.NAME VALUE",
        default: {},
        example: '{"LINKMESH_SMTP_PASSWORD":"…"}',
        change: ["LinkMesh restarts"],
        secret: true,
        schema: z.record(
            z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must have names of letters, digits and underscores"),
            plainValue.refine((value) => !/[\n\r\0]|\p{Cs}/u.test(value), "must be one line of text"),
        ),
    }),
    linkmeshConfig: setting({
        type: "object",
        description:
            "Additional keys for LinkMesh's config.yaml, merged into the file that the package ships. The program itself sets the keys that the proxy needs: externalUrl, http.trustedProxies, grpc.port and grpc.externalUrl.",
        default: {},
        example: '{"metrics":{"enabled":true}}',
        change: ["LinkMesh restarts"],
        schema: z
            .record(z.string(), z.unknown())
            // JSON escapes half of a surrogate pair, which no file can hold.
            .refine((keys) => !/\\ud[89a-f]/.test(JSON.stringify(keys)), "must hold Unicode text"),
    }),
    linkmeshFiles: setting({
        type: "object",
        description: `Text files for LinkMesh, such as keys and certificates, by file name. Each is ${LINKMESH_FILES_FOLDER}/NAME on the machine, which only root and LinkMesh can read; linkmeshConfig and linkmeshEnvironment may name that path. A missing line end is added. 64 KiB in all. docs/operations.md has the command that sets one.`,
        default: {},
        example: '{"mongodb-ca.pem":"-----BEGIN CERTIFICATE-----…"}',
        change: ["LinkMesh restarts"],
        secret: true,
        schema: z
            .record(
                z
                    .string()
                    .regex(
                        /^[A-Za-z0-9_][A-Za-z0-9._@+-]{0,99}$/,
                        `must have file names of letters, digits and ._@+-, without a folder, such as mongodb-ca.pem: the files are in ${LINKMESH_FILES_FOLDER}`,
                    ),
                plainValue
                    .refine((text) => text.trim() !== "", "must not be empty")
                    .refine((text) => !/\0|\p{Cs}/u.test(text), "must be text, without NUL characters")
                    .overwrite((text) => (text.endsWith("\n") ? text : `${text}\n`)),
            )
            .refine(
                (files) => Buffer.byteLength(JSON.stringify(files)) <= MOST_FILE_BYTES,
                "must be at most 65536 bytes in all, because Pulumi hands all settings over in 128 KiB",
            ),
    }),
    linkmeshEnvironmentFile: setting({
        type: "string",
        description:
            "Environment file of the LinkMesh service, which holds the server secret. It is kept on the data volume. Change it if your package reads another file.",
        default: "/etc/default/linkmesh-server",
        example: "/etc/linkmesh/environment",
        change: ["LinkMesh restarts"],
        schema: plainPath,
    }),
    linkmeshDataPaths: setting({
        type: "array",
        description:
            "Directories that hold LinkMesh's state (database, internal CA, gitops store). They are kept on the data volume and outlive the machine. Change them if your package uses others.",
        default: ["/var/lib/linkmesh", "/data/linkmesh"],
        example: "/opt/linkmesh",
        change: ["LinkMesh restarts"],
        changeNote: "only if a directory that is added holds data",
        schema: z.array(serviceDirectory).min(1, "must name at least the directory of LinkMesh's database"),
    }),
    collectorsExpected: setting({
        type: "integer",
        description:
            "How many collectors and agents are connected at once, from 1 to 200,000. nginx and the kernel are sized for it. With several nodes, the most that one node may have: docs/scale.md has its share in a rolling change.",
        default: 10_000,
        example: "50000",
        change: ["nginx reloads"],
        schema: wholeNumber(1, 200_000, "must be at most 200000: one machine is not made for more"),
    }),
    sessionsPerAddress: setting({
        type: "integer",
        description:
            "How many sessions one client address may hold on each port of a machine, up to 65,535; more are refused. With 0, collectorsExpected plus 1,000, because a whole fleet may share one address; above 65,535 there is no limit. If each collector has its own address, a few hundred keep one client from taking all sessions.",
        default: 0,
        example: "500",
        change: ["nginx reloads"],
        schema: wholeNumber(0, 65_535, "must be at most 65535: nginx counts no further"),
    }),
} as const;
