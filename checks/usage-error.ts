/** Nothing was checked: the usage is wrong, or what it names cannot be read. One sentence, with what to do. */
export class UsageError extends Error {
    override name = "UsageError";
}
