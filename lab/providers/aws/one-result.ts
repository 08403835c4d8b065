import { ProviderError } from "../provider.ts";
import type { Values } from "../property-values.ts";

// What the provider's data sources say when they find nothing, or more than one: four ways of saying the same, in the
// words of its source. A program must not need to know them; plural data sources answer with an empty list.

/** Of data sources that take any number of results: the one, or the newest when asked for it. `found` is sorted, newest first. */
export function newest<T>([first, ...others]: T[], args: Values): T {
    if (first === undefined) {
        throw new ProviderError("Your query returned no results. Please change your search criteria and try again.");
    }
    if (others.length > 0 && args.mostRecent !== true) {
        throw new ProviderError(
            "Your query returned more than one result. Please try a more specific search criteria, or set `most_recent` attribute to true.",
        );
    }
    return first;
}

/** Of data sources of one thing, as "EC2 Subnet". `none` is what they say when there is none. */
export function single<T>(label: string, [first, ...others]: T[], none = `no matching ${label} found`): T {
    if (others.length > 0) {
        throw new ProviderError(
            `multiple ${label}s matched; use additional constraints to reduce matches to a single ${label}`,
        );
    }
    if (first === undefined) throw new ProviderError(none);
    return first;
}

/** Where AWS itself has said that there is no such id. */
export function notFound(plural: string): ProviderError {
    return new ProviderError(`reading ${plural}: couldn't find resource`);
}
