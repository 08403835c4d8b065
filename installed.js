/**
 * What `load` returns. Packages that are not installed are one sentence, and the end of the process.
 * @template T
 * @param {() => Promise<T>} load imports them
 * @returns {Promise<T>}
 */
export async function installed(load) {
    try {
        return await load();
    } catch (error) {
        // Node says "package" of node_modules alone: a file of the project that is missing is a fault of the project.
        if (!/^Cannot find package /.test(error instanceof Error ? error.message : "")) throw error;
        console.error("error: the packages of this project are not installed: run `npm ci`, then this again");
        process.exit(1);
    }
}
