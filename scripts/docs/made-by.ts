/** Where a generated page comes from, for who wants to change it. */
export function madeBy(sources: string): string {
  return `Made by \`node scripts/docs.ts\` from ${sources}: change it there.`;
}
