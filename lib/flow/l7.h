struct np_l7_name {
	char app[32];
	char host[256];
};
