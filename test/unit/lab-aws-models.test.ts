import { expect, it } from "vitest";
import { type Service, violation } from "../../lab/providers/aws/constraint.ts";
import { MODELS } from "../../lab/providers/aws/models.generated.ts";
import { constraintOf, model } from "../../lab/providers/aws/models.ts";
import { type Property, type Schema, isBlock, isBlockList, modelRefs } from "../../lab/providers/aws/schema.ts";
import { RESOURCE_TYPES } from "../../lab/providers/aws/types.ts";
import { canProvision } from "../../lab/providers/aws/volume-types.ts";

const tables = Object.entries(RESOURCE_TYPES).map(([token, { inputs }]) => [token, inputs] as const);

it("the models have exactly the members that the table names", () => {
    const named = tables.flatMap(([, inputs]) => modelRefs(inputs));
    const keys = (service: Service) =>
        named.filter((ref) => ref.service === service).map(({ operation, member }) => `${operation}.${member}`);
    for (const [service, constraints] of Object.entries(MODELS)) {
        expect(Object.keys(constraints).sort(), `${service}: npm run models`).toEqual(
            [...new Set(keys(service as Service))].sort(),
        );
    }
});

it("a member that is not in the models is an error", () => {
    expect(() => constraintOf(model("ec2", "CreateVolume", "Kind"))).toThrow("npm run models");
});

function properties(schema: Schema, path: string): [path: string, property: Property][] {
    return Object.entries(schema).flatMap(([name, property]) => {
        const { kind } = property;
        const inner = isBlock(kind) ? kind : isBlockList(kind) ? kind[0] : {};
        return [[`${path}.${name}`, property] as [string, Property], ...properties(inner, `${path}.${name}`)];
    });
}
const modelled = tables.flatMap(([token, inputs]) => properties(inputs, token)).filter(([, { model }]) => model);

it.each(modelled)("%s is required if AWS requires it", (_, { model, required, needed, computed, default: preset }) => {
    // These operations are called only if there is a role, or a certificate to import.
    const isSometimes = ["AddRoleToInstanceProfile", "ImportCertificate"].includes(model!.operation);
    if (constraintOf(model!).required && !isSometimes) expect(required ?? needed ?? computed ?? preset).toBeDefined();
});

it.each(modelled)("%s has a default that AWS accepts", (path, { model, default: preset }) => {
    if (preset !== undefined) expect(violation(constraintOf(model!), preset, path)).toBeUndefined();
});

it("every type of volume has its limits", () => {
    for (const type of constraintOf(model("ec2", "CreateVolume", "VolumeType")).enum!)
        expect(canProvision(type), type).toBeDefined();
    expect(() => canProvision("gp9")).toThrow();
});

it.each<[constraint: Parameters<typeof violation>[0], value: Parameters<typeof violation>[1], reason?: string]>([
    [{ enum: ["a", "b"] }, "a"],
    [{ enum: ["a", "b"] }, "c", 'expected x.0.y_z to be one of ["a" "b"], got c'],
    [{ min: 1, max: 2 }, 3, "expected x.0.y_z to be in the range (1 - 2), got 3"],
    [{ min: 1, max: 2 }, "", "expected length of x.0.y_z to be in the range (1 - 2), got "],
    [{ pattern: "a|b" }, "ab", "invalid value for x.0.y_z (must match a|b): ab"],
    [{ max: 1, item: {} }, ["a", "b"], "Attribute x.0.y_z supports 1 item maximum, but config has 2 declared."],
    [{ max: 2, item: { enum: ["a"] } }, ["a", "b"], 'expected x.0.y_z.1 to be one of ["a"], got b'],
    [{ max: 1 }, ["a", "bc"], "expected length of x.0.y_z.1 to be in the range (0 - 1), got bc"],
    [{ max: 1, key: { max: 1 } }, { ab: "" }, "expected length of x.0.y_z to be in the range (0 - 1), got ab"],
])("%j of %j: %s", (constraint, value, reason) => {
    expect(violation(constraint, value, "x.yZ")).toBe(reason);
});
