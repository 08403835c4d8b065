import { ACCOUNT } from "../../cloud/state.ts";
import type { CloudStore } from "../../cloud/store.ts";
import { LabError } from "../../lab.ts";
import {
    type CheckFailure,
    type CheckRequest,
    type CreateRequest,
    type DeleteRequest,
    type DiffRequest,
    type DiffResult,
    type InvokeRequest,
    ProviderError,
    type ReadRequest,
    type ResourceProvider,
    type UpdateRequest,
} from "../provider.ts";
import { UNKNOWN, type Value, type Values, asText, equal, hasUnknown, isMap, isUnknown } from "../property-values.ts";
import { FUNCTIONS } from "./functions.ts";
import { type Change, type Cloud, type ResourceType } from "./resource-type.ts";
import type { Caller } from "./rights/caller.ts";
import { checkSchema, diffSchema } from "./schema.ts";
import { RESOURCE_TYPES } from "./types.ts";

/** The lab's stand-in for the AWS provider. Has the resource types that the program uses and checks them strictly. */
export class AwsProvider implements ResourceProvider {
    readonly name = "aws";
    readonly #store: CloudStore;
    #region = "";
    #defaultTags: Values = {};

    readonly #caller: Caller | undefined;

    /** @param caller whose rights apply; without it everything is allowed. */
    constructor(store: CloudStore, caller?: Caller) {
        this.#store = store;
        this.#caller = caller;
    }

    checkConfig(config: Values): CheckFailure[] {
        if (regionOf(config) !== "") return [];
        const reason =
            "Missing region information\nMake sure you have set your AWS region, e.g. `pulumi config set aws:region us-west-2`.";
        return [{ property: "", reason }];
    }

    configure(config: Values): void {
        const [failure] = this.checkConfig(config);
        if (failure) throw new ProviderError(failure.reason);
        this.#region = regionOf(config);
        const defaultTags = nested(config.defaultTags);
        this.#defaultTags = isMap(defaultTags) && isMap(defaultTags.tags) ? defaultTags.tags : {};
    }

    check({ type, name, news, olds, seed }: CheckRequest) {
        const resource = typeOf(type);
        const { values, failures } = checkSchema(resource.inputs, news.values, type);
        const complete = { ...values, ...resource.defaults?.(values, { name, seed, olds: olds.values }) };
        if (failures.length === 0)
            failures.push(...(resource.check?.(complete, Object.keys(olds.values).length === 0) ?? []));
        return { inputs: { values: complete, secrets: news.secrets }, failures };
    }

    diff({ type, oldInputs, oldState, news, ignoreChanges }: DiffRequest): DiffResult {
        const resource = typeOf(type);
        const olds = before(resource, oldInputs, oldState);
        const { changed, replaces } = diffSchema(resource.inputs, olds, news);
        for (const property of resource.replaces?.(olds, news) ?? []) {
            if (changed.includes(property) && !replaces.includes(property)) replaces.push(property);
        }
        const counts = (property: string) => !ignoreChanges.includes(property);
        const result = { changed: changed.filter(counts), replaces: replaces.filter(counts) };
        if (
            resource.inputs.tags &&
            !equal(this.#tagsAll(news), oldState.tagsAll ?? {}) &&
            result.changed.every((name) => name !== "tags")
        ) {
            result.changed.push("tagsAll");
        }
        if (result.replaces.length === 0) this.#refuse(resource, oldInputs, news);
        return result;
    }

    async create({ type, inputs, preview, ...operation }: CreateRequest) {
        const resource = typeOf(type);
        if (preview) {
            const unknown = Object.fromEntries(resource.outputs.map((name) => [name, UNKNOWN as Value]));
            return {
                id: "",
                outputs: {
                    ...unknown,
                    ...this.#fixed(resource),
                    ...inputs.values,
                    ...this.#tags(resource, inputs.values),
                },
            };
        }
        return this.#attempt("creating", resource, "", async (change) => {
            const tags = this.#tagsAll(inputs.values);
            this.#caller?.may("create", await this.#cloud(), { type, id: "", values: inputs.values, tags });
            await resource.waits?.(() => this.#cloud(), inputs.values, operation);
            const id = await change((cloud) => {
                const made = resource.create(cloud, inputs.values);
                this.#setTags(resource, cloud, made, inputs.values);
                return made;
            });
            return { id, outputs: this.#outputs(resource, await this.#cloud(), id, inputs.values) };
        });
    }

    async update({ type, id, oldInputs, oldState, news, preview }: UpdateRequest) {
        const resource = typeOf(type);
        this.#refuse(resource, oldInputs, news.values);
        if (preview) {
            return { outputs: { ...oldState, ...news.values, ...this.#tags(resource, news.values) } };
        }
        return this.#attempt("updating", resource, id, async (change) => {
            const { changed } = diffSchema(resource.inputs, before(resource, oldInputs, oldState), news.values);
            const tags = this.#tagsAll(news.values);
            if (!equal(tags, oldState.tagsAll ?? {})) changed.push("tags");
            this.#caller?.may("update", await this.#cloud(), { type, id, values: news.values, tags }, changed);
            await resource.update?.(change, id, news.values, oldInputs);
            await change((cloud) => this.#setTags(resource, cloud, id, news.values));
            return { outputs: this.#outputs(resource, await this.#cloud(), id, news.values) };
        });
    }

    async read({ type, id, inputs }: ReadRequest) {
        const resource = typeOf(type);
        const cloud = await this.#cloud();
        const described = resource.describe(cloud, id, inputs.values);
        // The provider makes no more calls for a resource that is gone, and without tags no policy could allow them.
        if (!described) return undefined;
        this.#caller?.may("read", cloud, { type, id, values: inputs.values });
        const tags = this.#ownTags(cloud.state.tags?.[id] ?? {}, inputs.values.tags);
        const present = withDrift(resource, inputs.values, { ...described, tags });
        return { id, inputs: present, outputs: this.#outputs(resource, cloud, id, present) };
    }

    async delete({ type, id, state }: DeleteRequest): Promise<void> {
        const resource = typeOf(type);
        const cloud = await this.#cloud();
        if (!resource.removesUnseen && !resource.describe(cloud, id, state)) return;
        await this.#attempt("deleting", resource, id, async (change) => {
            this.#caller?.may("delete", await this.#cloud(), { type, id, values: state, tags: state.tagsAll });
            await resource.remove(change, id, state);
            await change((after) => void delete after.state.tags?.[id]);
        });
    }

    async invoke({ token, args }: InvokeRequest) {
        const known = FUNCTIONS[token];
        if (!known) {
            throw new ProviderError(
                `the lab's stand-in for AWS has no function ${token}; it has ${Object.keys(FUNCTIONS).join(", ")}`,
            );
        }
        const { values, failures } = checkSchema(known.inputs, args.values, token);
        if (failures.length) return { failures };
        try {
            this.#caller?.mayInvoke(await this.#cloud(), token, values);
            return { result: { ...known.call(await this.#cloud(), values) } };
        } catch (error) {
            if (!(error instanceof ProviderError)) throw error;
            throw new ProviderError(`invoking ${token}: 1 error occurred:\n\t* ${error.message}`);
        }
    }

    async #cloud(): Promise<Cloud> {
        return { state: await this.#store.read(), lab: this.#store.lab, region: this.#region };
    }

    /** Puts the attempted operation before the reason of a failure, as the real provider does. */
    async #attempt<T>(
        verb: string,
        { label }: ResourceType,
        id: string,
        work: (change: Change) => Promise<T>,
    ): Promise<T> {
        const change: Change = (mutate) =>
            this.#store.change((state) => mutate({ state, lab: this.#store.lab, region: this.#region }));
        try {
            return await work(change);
        } catch (error) {
            if (!(error instanceof ProviderError) && !(error instanceof LabError)) throw error;
            throw new ProviderError(`${verb} ${label}${id && ` (${id})`}: ${error.message}`);
        }
    }

    #refuse(resource: ResourceType, olds: Values, news: Values): void {
        const reason = resource.refuses?.(olds, news);
        if (reason) throw new ProviderError(`updating ${resource.label}: ${reason}`);
    }

    #outputs(resource: ResourceType, cloud: Cloud, id: string, inputs: Values): Values {
        const described = resource.describe(cloud, id, inputs);
        const tags: Values = resource.inputs.tags ? { tagsAll: cloud.state.tags?.[id] ?? {} } : {};
        return {
            ...inputs,
            ...this.#fixed(resource),
            ...tags,
            ...described,
            ...spelling(resource, inputs),
            ...resource.misreads?.(inputs),
        };
    }

    /** Outputs that are the same for every resource of the account. */
    #fixed({ outputs }: ResourceType): Values {
        const values: Values = { region: this.#region, ownerId: ACCOUNT };
        return Object.fromEntries(Object.entries(values).filter(([name]) => outputs.includes(name)));
    }

    #tags(resource: ResourceType, inputs: Values): Values {
        return resource.inputs.tags ? { tagsAll: this.#tagsAll(inputs) } : {};
    }

    /** Default tags and the resource's own tags. The resource's own win. */
    #tagsAll(inputs: Values): Value {
        if (isUnknown(inputs.tags)) return UNKNOWN;
        return { ...this.#defaultTags, ...(isMap(inputs.tags) ? inputs.tags : {}) };
    }

    /** The tags that a resource's inputs name or that somebody has added, without the default tags. */
    #ownTags(tags: Values, inputs: Value | undefined): Values {
        const own = isMap(inputs) ? inputs : {};
        return Object.fromEntries(
            Object.entries(tags).filter(([key, value]) => key in own || this.#defaultTags[key] !== value),
        );
    }

    #setTags(resource: ResourceType, { state }: Cloud, id: string, inputs: Values): void {
        if (!resource.inputs.tags) return;
        (state.tags ??= {})[id] = this.#tagsAll(inputs) as Record<string, string>;
    }
}

/** The old inputs, as the provider compares them. A property that AWS chose has the value that AWS chose. */
function before(resource: ResourceType, oldInputs: Values, oldState: Values): Values {
    const chosen = Object.entries(resource.inputs)
        .filter(([name, { computed }]) => computed && oldInputs[name] === undefined && oldState[name] !== undefined)
        .map(([name]) => [name, oldState[name]!]);
    return { ...oldInputs, ...(Object.fromEntries(chosen) as Values), ...resource.misreads?.(oldInputs) };
}

/** The inputs, with the cloud's value where somebody has changed it there. Another spelling is no change. */
function withDrift({ inputs: schema }: ResourceType, inputs: Values, live: Values): Values {
    const present = { ...inputs };
    for (const [name, property] of Object.entries(schema)) {
        // The cloud keeps too little of nested blocks to compare them.
        if (inputs[name] === undefined || live[name] === undefined || typeof property.kind === "object") continue;
        if (diffSchema({ [name]: property }, inputs, live).changed.length) present[name] = live[name];
    }
    return present;
}

/** The user's spelling of values that AWS normalizes, so that outputs equal inputs. */
function spelling({ inputs: schema }: ResourceType, inputs: Values): Values {
    return Object.fromEntries(Object.entries(inputs).filter(([name]) => schema[name]?.canonical));
}

function typeOf(type: string): ResourceType {
    const resource = RESOURCE_TYPES[type];
    if (resource) return resource;
    throw new ProviderError(
        `the lab's stand-in for AWS has no resource type ${type}; it has ${Object.keys(RESOURCE_TYPES).join(", ")}`,
    );
}

/** Nested configuration arrives as JSON text. */
function nested(value: Value | undefined): Value | undefined {
    if (typeof value !== "string" || hasUnknown(value)) return value;
    try {
        return JSON.parse(value) as Value;
    } catch {
        return undefined;
    }
}

/** The region from the configuration, or else from the environment, as in the real provider. */
function regionOf(config: Values): string {
    return asText(config.region) || process.env.AWS_REGION || process.env.AWS_DEFAULT_REGION || "";
}
