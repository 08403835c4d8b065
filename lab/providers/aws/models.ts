import type { Constraint, Service } from "./constraint.ts";
import { MODELS } from "./models.generated.ts";

/** Names a member of an operation's input in the published model of its service. */
export interface ModelRef {
    service: Service;
    operation: string;
    /** As "MetadataOptions.HttpTokens". The path skips lists; "member" at the end is an item of a list. */
    member: string;
}

export function model(service: Service, operation: string, member: string): ModelRef {
    return { service, operation, member };
}

export function constraintOf({ service, operation, member }: ModelRef): Constraint {
    const found = MODELS[service][`${operation}.${member}`];
    if (!found)
        throw new Error(
            `${operation}.${member} of ${service} is missing from models.generated.ts: run \`npm run models\``,
        );
    return found;
}
