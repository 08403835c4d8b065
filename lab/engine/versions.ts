/** The Pulumi CLI that the lab builds if it finds none. `go/go.mod` has the same version. */
export const PULUMI_VERSION = "3.259.0";

/** The oldest `pulumi` on PATH that the lab uses. It reports every error of a step to the program (pulumi#23347). */
export const PULUMI_MINIMUM = "3.244.0";

/**
 * The released Pulumi CLI, which the lab tries to fetch before it builds one. Pulumi publishes the checksum at
 * https://get.pulumi.com/releases/sdk/pulumi-3.255.0-checksums.txt.
 */
export const PULUMI_RELEASE = {
    version: "3.255.0",
    sha256: "cf559568e2c32f7fae56ea3de8ae5fa48973ba8c5aa9dd2b3dc0c8898fe50dba",
};

/** The Go version in `go/go.mod`. An older Go on PATH is not used. */
export const GO_VERSION = "1.25.11";

/** The same Go as a module, with its sum from the checksum database, sum.golang.org. */
export const GO_TOOLCHAIN = {
    module: "golang.org/toolchain",
    version: `v0.0.1-go${GO_VERSION}.linux-amd64`,
    sum: "h1:AUChz5pzC7L9cEGXaGD6Z0N5m2H2JDiTZywfitOXskU=",
};

/** Compares dotted versions without a leading "v" and anything after "-" or "+". Negative if `a` is older. */
export function compareVersions(a: string, b: string): number {
    const parts = (version: string) =>
        version
            .replace(/^v/, "")
            .split(/[-+]/)[0]!
            .split(".")
            .map((part) => Number.parseInt(part, 10) || 0);
    const [left, right] = [parts(a), parts(b)];
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
        const difference = (left[i] ?? 0) - (right[i] ?? 0);
        if (difference !== 0) return difference;
    }
    return 0;
}
