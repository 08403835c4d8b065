import { isDeepStrictEqual } from "node:util";
import { parseCall } from "../lab/providers/aws/rights/call.ts";
import { RESOURCE_CALLS } from "../lab/providers/aws/rights/calls.ts";
import { DOCUMENTS } from "../lab/providers/aws/rights/deployer.ts";

/**
 * docs/iam/refresh.json: what `--refresh` reads, and `preview` does not allow. Every statement of the other documents, with
 * only those of its actions that the provider calls to read a resource.
 */
export function refreshDocument(): string {
    const { preview, ...others } = DOCUMENTS;
    const previewAllows = (action: string, resource: unknown) =>
        preview!.Statement.some(
            ({ Action, Resource }) =>
                [Action].flat().includes(action) && (Resource === "*" || isDeepStrictEqual(Resource, resource)),
        );
    const reads = new Set(
        Object.values(RESOURCE_CALLS).flatMap(({ read }) => read.map((text) => parseCall(text).action)),
    );
    const Statement = Object.entries(others).flatMap(([name, document]) =>
        document.Statement.flatMap((statement) => {
            const actions = [statement.Action]
                .flat()
                .filter((action) => reads.has(action) && !previewAllows(action, statement.Resource));
            if (actions.length === 0) return [];
            return [{ ...statement, Sid: `${name.replace(/\W/g, "")}${statement.Sid}`, Action: actions }];
        }),
    );
    return `${JSON.stringify({ Version: "2012-10-17", Statement }, undefined, 2)}\n`;
}
