import { parseCall } from "../lab/providers/aws/rights/call.ts";
import { FUNCTION_CALLS, RESOURCE_CALLS } from "../lab/providers/aws/rights/calls.ts";
import { DOCUMENTS } from "../lab/providers/aws/rights/deployer.ts";

/** The table of docs/rights.md: every action of the IAM documents, what needs it, and which documents contain it. */
export function rightsTable(): string {
    const holders = new Map<string, string[]>();
    for (const [name, { Statement }] of Object.entries(DOCUMENTS)) {
        for (const action of Statement.flatMap(({ Action }) => Action)) {
            holders.set(action, [...new Set([...(holders.get(action) ?? []), name])]);
        }
    }
    const callers = callersByAction();
    const rows = [...holders]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(
            ([action, names]) => `| \`${action}\` | ${(callers.get(action) ?? []).join(", ")} | ${names.join(", ")} |`,
        );
    return ["| call | for | documents |", "| --- | --- | --- |", ...rows].join("\n");
}

/** "Vpc (create, read)" for each action. */
function callersByAction(): Map<string, string[]> {
    const found = new Map<string, Map<string, Set<string>>>();
    const add = (text: string, caller: string, operation: string) => {
        const { action, resources } = parseCall(text);
        const actions = [
            action,
            ...(resources.some(([, by]) => by === "new") && action.startsWith("ec2:") ? ["ec2:CreateTags"] : []),
        ];
        for (const one of actions) {
            const callers = found.get(one) ?? found.set(one, new Map()).get(one)!;
            (callers.get(caller) ?? callers.set(caller, new Set()).get(caller)!).add(operation);
        }
    };
    for (const [type, { update, ...others }] of Object.entries(RESOURCE_CALLS)) {
        const name = type.split(":").at(-1)!;
        for (const [operation, calls] of Object.entries(others)) calls.forEach((text) => add(text, name, operation));
        Object.values(update)
            .flat()
            .forEach((text) => add(text, name, "update"));
    }
    for (const [token, calls] of Object.entries(FUNCTION_CALLS)) {
        calls.forEach((text) => add(text, `\`${token.split(":").at(-1)!}\``, ""));
    }
    return new Map(
        [...found].map(([action, callers]) => [
            action,
            [...callers].map(([name, operations]) => {
                const shown = [...operations].filter((operation) => operation !== "").sort();
                return shown.length === 0 ? name : `${name} (${shown.join(", ")})`;
            }),
        ]),
    );
}
