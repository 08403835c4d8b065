import { posix } from "node:path";
import type { Settings } from "../settings.ts";
import { violations } from "./violations.ts";

/** Keys of config.yaml that the proxy's own settings decide. */
const MANAGED_CONFIG_KEYS = ["externalUrl", "http.trustedProxies", "grpc.port", "grpc.externalUrl"];

export function packageRules(s: Settings): string[] {
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

export function configRules(s: Settings): string[] {
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

export function dataPathRules({ linkmeshDataPaths: paths, linkmeshEnvironmentFile: file }: Settings): string[] {
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
        ...violations([
            [new Set(paths).size === paths.length, "linkmeshDataPaths names a directory twice: remove one."],
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
