import { posix } from "node:path";
import { LINKMESH_FILES_FOLDER } from "../schema/linkmesh.ts";
import type { Settings } from "../settings.ts";
import { violations } from "./violations.ts";

/** Keys of config.yaml that the program sets. */
const MANAGED_CONFIG_KEYS = ["externalUrl", "http.trustedProxies", "grpc.port", "grpc.externalUrl"];

export function packageRules(s: Settings): string[] {
    return violations([
        [
            (s.linkmeshDebUrl !== "") !== (s.linkmeshAptSource !== ""),
            s.linkmeshDebUrl === ""
                ? "The LinkMesh package is missing. Set linkmeshDebUrl and linkmeshDebSha256, or linkmeshAptSource, linkmeshAptKey and linkmeshVersion."
                : "linkmeshDebUrl and linkmeshAptSource exclude each other. Remove one of them.",
        ],
        [
            s.linkmeshDebUrl === "" || s.linkmeshAptSource !== "" || s.linkmeshDebSha256 !== "",
            "linkmeshDebSha256 is missing. Set it to the checksum that `sha256sum FILE.deb` prints for the package.",
        ],
        [
            s.linkmeshAptSource === "" || (s.linkmeshAptKey !== "" && s.linkmeshVersion !== ""),
            "linkmeshAptSource needs linkmeshAptKey and linkmeshVersion. Set them to the key that signs the source and the version to install.",
        ],
    ]);
}

export function configRules(s: Settings): string[] {
    const database = valueAt(s.linkmeshConfig, ["storage", "boltPath"]);
    const lost =
        typeof database === "string" &&
        !s.linkmeshDataPaths.some((path) => posix.normalize(database).startsWith(`${path}/`));
    return [
        ...MANAGED_CONFIG_KEYS.filter((key) => valueAt(s.linkmeshConfig, key.split(".")) !== undefined).map(
            (key) => `linkmeshConfig holds ${key}, which the program sets. Remove it.`,
        ),
        ...violations([
            [
                !lost,
                `linkmeshConfig puts the database at ${String(database)}, where it would be lost with the machine. Choose a path below ${s.linkmeshDataPaths.join(" or ")}, or add its directory to linkmeshDataPaths.`,
            ],
        ]),
    ];
}

/** LinkMesh must find each file that it is told to read, also after the file was removed from the settings. */
export function fileRules({ linkmeshConfig, linkmeshEnvironment, linkmeshFiles }: Settings): string[] {
    const known = linkmeshFiles.entries().map(([name]) => name);
    const missing = (text: string) => namesOfFiles(text).filter((names) => !names.some((name) => known.includes(name)));
    const add = "Add it to linkmeshFiles, or correct the path.";
    return [
        ...new Set(
            textsIn(linkmeshConfig)
                .flatMap(missing)
                .map(
                    ([name]) =>
                        `linkmeshConfig names ${LINKMESH_FILES_FOLDER}/${name}, which linkmeshFiles lacks. ${add}`,
                ),
        ),
        ...linkmeshEnvironment
            .entries()
            .filter(([, value]) => value.test((text) => missing(text).length > 0))
            .map(
                ([name]) =>
                    `linkmeshEnvironment.${name} names a file in ${LINKMESH_FILES_FOLDER} that linkmeshFiles lacks. ${add}`,
            ),
    ];
}

/** A file of the folder, and not of one that has the folder's path in its own. */
const FILE_PATH = new RegExp(`(?<![\\w.@+-])${LINKMESH_FILES_FOLDER}/([\\w.@+-]+)`, "g");

/**
 * The files whose paths are in a text. The path is a part of a URL too, so it may be encoded. Each has the names that it may
 * mean, because a dot at its end may be the sentence's.
 */
function namesOfFiles(text: string): string[][] {
    const plain = text.replace(/%([0-9A-F]{2})/gi, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
    return [...plain.matchAll(FILE_PATH)]
        .map(([, name]) => [name!.replace(/\.+$/, ""), name!])
        .filter(([name]) => name !== "");
}

/** All texts in a value, keys too. */
function textsIn(value: unknown): string[] {
    if (typeof value === "string") return [value];
    if (typeof value !== "object" || value === null) return [];
    return Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)]);
}

export function dataPathRules({ linkmeshDataPaths: paths, linkmeshEnvironmentFile: file }: Settings): string[] {
    return [
        ...paths.flatMap((path) => {
            const outer = paths.find((other) => path !== other && path.startsWith(`${other}/`));
            return violations([
                [
                    outer === undefined,
                    `linkmeshDataPaths holds ${path} and ${outer}, which contains it. Remove ${path}.`,
                ],
                [
                    !file.startsWith(`${path}/`),
                    `linkmeshEnvironmentFile is inside ${path} of linkmeshDataPaths. Choose another directory: the file is kept on the data volume anyway.`,
                ],
            ]);
        }),
        ...violations([
            [new Set(paths).size === paths.length, "linkmeshDataPaths holds a directory twice. Remove one."],
        ]),
    ];
}

/** The value at a path of keys; undefined if there is none. */
function valueAt(value: unknown, path: readonly string[]): unknown {
    const [key, ...rest] = path;
    if (key === undefined) return value;
    if (typeof value !== "object" || value === null) return undefined;
    return valueAt((value as Record<string, unknown>)[key], rest);
}
