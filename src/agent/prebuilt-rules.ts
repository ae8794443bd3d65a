/** Where what the build made of our rules lies (src/sigma/prebuilt.ts); tools/build.mjs puts the place here. The source reads its rules as they are. */
export const prebuiltRules: URL | undefined = undefined;
