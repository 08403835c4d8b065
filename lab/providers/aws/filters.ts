import type { CloudState } from "../../cloud/state.ts";
import { type Values, isMap } from "../property-values.ts";
import { single } from "./lookup-results.ts";
import { ApiError } from "./resource-type.ts";
import type { Property } from "./schema.ts";

/** A filter of a lookup. One of its values has to match. */
export interface Filter {
    name: string;
    values: string[];
}

/** The argument `filters` of a lookup. */
export const filters: Property = { kind: "objects", invalid: wrongFilters };

/** The one object that matches the arguments, including `filters` and `tags`. */
export function only<T extends { id: string }>(
    state: CloudState,
    args: Values,
    label: string,
    candidates: T[],
    attributes: (item: T) => Record<string, string>,
): T {
    const tagsOf = (id: string) => state.tags?.[id] ?? {};
    const wantedTags = Object.entries(isMap(args.tags) ? args.tags : {});
    const exact = Object.entries(args).filter(([name, value]) => typeof value === "string" && name !== "tags");
    const found = candidates.filter((item) => {
        const known = attributes(item);
        return (
            exact.every(([name, value]) => known[name] === value) &&
            wantedTags.every(([key, value]) => tagsOf(item.id)[key] === value) &&
            fits(state, item.id, known, args)
        );
    });
    return single(label, found);
}

/** Whether an object's attributes and tags match all filters of the arguments. */
export function fits(state: CloudState, id: string, attributes: Record<string, string>, args: Values): boolean {
    const tags = Object.entries(state.tags?.[id] ?? {}).map(([key, value]) => [`tag:${key}`, value] as const);
    const known: Record<string, string> = { ...attributes, ...Object.fromEntries(tags) };
    return filtersOf(args).every((filter) => matches(known, filter, filter.name.startsWith("tag:")));
}

export function filtersOf(args: Values): Filter[] {
    return (args.filters as unknown as Filter[] | undefined) ?? [];
}

/** As on AWS, `*` matches any characters and `?` matches one. An attribute that the lab does not keep is an error. */
export function matches(attributes: Record<string, string>, { name, values }: Filter, mayBeAbsent = false): boolean {
    const value = attributes[name];
    if (value === undefined && mayBeAbsent) return false;
    if (value === undefined) {
        throw new ApiError(
            "InvalidParameterValue",
            `The filter '${name}' is invalid: the lab knows ${Object.keys(attributes).join(", ")}`,
        );
    }
    return values.some((pattern) => wildcard(pattern).test(value));
}

export function wildcard(pattern: string): RegExp {
    const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&");
    return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}

function wrongFilters(value: unknown[]): string | undefined {
    const isFilter = (item: unknown) =>
        typeof item === "object" && item !== null && "name" in item && "values" in item && Array.isArray(item.values);
    return value.every(isFilter) ? undefined : "every filter needs a name and a list of values";
}
