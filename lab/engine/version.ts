/** The Pulumi CLI that the lab builds when none is installed. The one place that names it besides `go/go.mod`. */
export const PULUMI_VERSION = "3.259.0";

/** The oldest `pulumi` on PATH that is used as it is: it streams engine events over gRPC and knows `deletedWith`. */
export const PULUMI_MINIMUM = "3.229.0";

/** The oldest Go that can fetch the toolchain that `go/go.mod` asks for. */
export const GO_MINIMUM = "1.21";

/** Compares dotted versions; a "v" in front and anything after "-" or "+" is ignored. Negative when `a` is older. */
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
