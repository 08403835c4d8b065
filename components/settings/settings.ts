import type { z } from "zod";
import { ACCESS_SETTINGS } from "./schema/access.ts";
import { CERTIFICATE_SETTINGS } from "./schema/certificate.ts";
import { LINKMESH_SETTINGS } from "./schema/linkmesh.ts";
import { MACHINE_SETTINGS } from "./schema/machine.ts";
import { NAME_SETTINGS } from "./schema/names.ts";
import { OPERATION_SETTINGS } from "./schema/operations.ts";
import { TIER_SETTINGS } from "./schema/tier.ts";
import type { Secret } from "./secret.ts";

export type { Setting } from "./schema/setting.ts";

/**
 * Every setting of the program. The schema in Pulumi.yaml and the tables of docs/settings.md are generated from these tables,
 * and tests compare them.
 */
export const SETTINGS = {
    ...NAME_SETTINGS,
    ...CERTIFICATE_SETTINGS,
    ...ACCESS_SETTINGS,
    ...MACHINE_SETTINGS,
    ...TIER_SETTINGS,
    ...LINKMESH_SETTINGS,
    ...OPERATION_SETTINGS,
} as const;

export type SettingName = keyof typeof SETTINGS;

/** The validated settings: plain data, and a `Secret` for each secret one. */
export type Settings = { readonly [K in SettingName]: Value<(typeof SETTINGS)[K]> };

type Value<S extends { schema: z.ZodType }> = S extends { secret: true }
    ? Secret<z.infer<S["schema"]>>
    : S extends { holdsCredentials: object }
      ? z.infer<S["schema"]> | Secret<z.infer<S["schema"]>>
      : z.infer<S["schema"]>;
