import { ACCOUNT } from "../../cloud/state.ts";
import type { Values } from "../property-values.ts";
import { findRole, refuseSameName } from "./iam.ts";
import { model } from "./models.ts";
import { ApiError, type ResourceType, derivedId, generatedName, optionalText, text } from "./resource-type.ts";

const created = (member: string) => model("iam", "CreateInstanceProfile", member);

export const instanceProfile: ResourceType = {
    label: "IAM Instance Profile",
    inputs: {
        name: { kind: "string", computed: true, forceNew: true, model: created("InstanceProfileName") },
        path: { kind: "string", default: "/", forceNew: true, model: created("Path") },
        role: { kind: "string", model: model("iam", "AddRoleToInstanceProfile", "RoleName") },
        tags: { kind: "tags", model: created("Tags") },
    },
    outputs: ["arn", "createDate", "uniqueId", "namePrefix"],
    defaults: (inputs, naming): Values => (inputs.name === undefined ? { name: generatedName(naming) } : {}),
    create({ state }, inputs) {
        const name = text(inputs, "name");
        if (state.instanceProfiles[name]) {
            throw new ApiError("EntityAlreadyExists", `Instance Profile ${name} already exists.`);
        }
        refuseSameName(name, state.roles);
        const role = optionalText(inputs, "role");
        state.instanceProfiles[name] = {
            name,
            arn: `arn:aws:iam::${ACCOUNT}:instance-profile${text(inputs, "path")}${name}`,
            role: role && findRole(state, role).name,
            createdAt: new Date().toISOString(),
        };
        return name;
    },
    async update(change, id, news) {
        await change(({ state }) => {
            const found = state.instanceProfiles[id];
            if (!found) throw new ApiError("NoSuchEntity", `Instance Profile ${id} cannot be found.`);
            const role = optionalText(news, "role");
            found.role = role && findRole(state, role).name;
        });
    },
    /** IAM deletes a profile that a machine still uses. The machine then has no role. */
    async remove(change, id) {
        await change(({ state }) => void delete state.instanceProfiles[id]);
    },
    describe({ state }, id) {
        const found = state.instanceProfiles[id];
        return (
            found && {
                arn: found.arn,
                name: found.name,
                role: found.role ?? "",
                createDate: found.createdAt,
                uniqueId: derivedId("AIPA", found.name).replace("-", "").toUpperCase(),
                namePrefix: "",
            }
        );
    },
};
