import { ProviderError } from "../provider.ts";
import type { Values } from "../property-values.ts";

// The provider's errors if a data source finds nothing, or more than one result. Its source has four wordings, which
// are copied here. A program should not depend on them: plural data sources return an empty list instead.

/** The only result, or with `mostRecent` the first one. The results must be sorted, newest first. */
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

/** The only result. `label` names its kind, as "EC2 Subnet"; `none` is the error if there is no result. */
export function single<T>(label: string, [first, ...others]: T[], none = `no matching ${label} found`): T {
    if (others.length > 0) {
        throw new ProviderError(
            `multiple ${label}s matched; use additional constraints to reduce matches to a single ${label}`,
        );
    }
    if (first === undefined) throw new ProviderError(none);
    return first;
}

/** The error if AWS has answered that the id does not exist. */
export function notFound(plural: string): ProviderError {
    return new ProviderError(`reading ${plural}: couldn't find resource`);
}
