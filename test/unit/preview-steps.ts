import { renderStep } from "../../components/host/render/step.ts";
import { commentOn } from "../../preview/comment.ts";
import { readPreview } from "../../preview/preview.ts";

/** One step of a preview, as the engine writes it. */
export function change(type: string, name: string, op: string, old?: object, now?: object, custom = true) {
    const state = (inputs: object | undefined) => inputs && { custom, inputs };
    return {
        op,
        urn: `urn:pulumi:staging::linkmesh::linkmesh-proxy:index:LinkMeshProxy$${type}::${name}`,
        oldState: state(old),
        newState: state(now),
    };
}
export const comment = (preview: object, stack?: string) => commentOn(readPreview(JSON.stringify(preview)), stack);
export const RULE = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule";
export const run = (name: string) => `sudo timeout --kill-after=300 300 bash -s -- ${name}`;
export const step = (name: string, variables: Record<string, string>, files: Record<string, string>) => ({
    create: run(name),
    stdin: renderStep({ name, variables, files }, "main() { id; }\n"),
});
export const updated = (name: string, old: object, now: object) =>
    change("command:remote:Command", `linkmesh-${name}`, "update", old, now);
