import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { POLICIES } from "../../policy/policies.ts";
import { type Registered, reveal } from "./program.ts";

type Judged = Pick<Registered, "type" | "inputs"> & Partial<Pick<Registered, "name" | "protect">>;
/** As a file of `--policy-pack-config` has it, by policy. */
type Configuration = Record<string, Record<string, unknown>>;

/** "policy: sentence" for each violation. */
export function violations(resources: readonly Judged[], configuration: Configuration = {}, provider = {}): string[] {
    const found: string[] = [];
    for (const { type, name = "it", inputs, protect = false } of resources) {
        const props = Object.fromEntries(Object.entries(inputs).map(([key, value]) => [key, reveal(value)]));
        for (const policy of POLICIES) {
            const config = { ...defaults(policy), ...configuration[policy.name] };
            const args = {
                type,
                name,
                props,
                opts: { protect },
                provider: { props: provider },
                getConfig: () => config,
            };
            const validate = policy.validateResource as (args: ResourceValidationArgs, report: Report) => void;
            validate(args as unknown as ResourceValidationArgs, (sentence) => {
                found.push(`${policy.name}: ${sentence}`);
            });
        }
    }
    return found;
}

type Report = (sentence: string) => void;

/** The engine fills in the defaults of the schema. */
function defaults({ configSchema }: ResourceValidationPolicy): Record<string, unknown> {
    const properties = Object.entries(configSchema?.properties ?? {});
    return Object.fromEntries(properties.map(([key, { default: preset }]) => [key, preset]));
}
