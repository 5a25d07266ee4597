import { ListTokenStore } from '@tokenkeep/list';

export default (): ListTokenStore => new ListTokenStore();
