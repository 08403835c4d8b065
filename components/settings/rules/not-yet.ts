import type { Settings } from "../settings.ts";
import { violations } from "./violations.ts";

/** Several machines were not proven in the lab. When they are, this file goes. The unit tests set it to true meanwhile. */
export const several = { supported: false };

export function notYet({ nodes }: Pick<Settings, "nodes">): string[] {
    return violations([
        [nodes === 1 || several.supported, "nodes: several machines are not supported yet. Set it to 1."],
    ]);
}
