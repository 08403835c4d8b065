/**
 * A container inside @peculiar/x509 refuses to load unless the reflect-metadata polyfill was loaded before it, although
 * nothing that is injected there has metadata. This is the part of the polyfill that it asks for.
 */
Object.assign(Reflect, {
    getMetadata: () => undefined,
    getOwnMetadata: () => undefined,
});
