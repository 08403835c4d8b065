/** The user and group `nobody`, which own nothing but the storage's data. */
export const NOBODY = 65534;
