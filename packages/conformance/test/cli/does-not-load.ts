throw new Error('no such driver');
