/** repo-inventory.txt: the folders under version control, with what each is for. */
export function repositoryInventory(root: string): string;
