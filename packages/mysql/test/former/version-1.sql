CREATE TABLE `oauthtoken_lock` (
  `one` tinyint(4) NOT NULL,
  `schema_version` int(11) NOT NULL,
  `turn` bigint(20) NOT NULL,
  PRIMARY KEY (`one`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci;
INSERT INTO `oauthtoken_lock` VALUES (1, 1, 3);
CREATE TABLE `oauthtoken` (
  `position` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `id` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `user_name` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `client_id` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `client_secret` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `refresh_token` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `access_token` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `grant_token` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `expiry_time` bigint(20) DEFAULT NULL,
  `redirect_url` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `api_domain` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `scope` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `token_type` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `version` bigint(20) NOT NULL,
  `extra` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL,
  `id_digest` char(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `user_digest` char(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `user_slot` int(10) unsigned DEFAULT NULL,
  `access_digest` char(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `access_slot` int(10) unsigned DEFAULT NULL,
  `grant_digest` char(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `grant_slot` int(10) unsigned DEFAULT NULL,
  `refresh_digest` char(64) CHARACTER SET ascii COLLATE ascii_bin DEFAULT NULL,
  `refresh_slot` int(10) unsigned DEFAULT NULL,
  `writer` char(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  `joins` int(10) unsigned NOT NULL,
  PRIMARY KEY (`position`),
  UNIQUE KEY `id_digest` (`id_digest`),
  UNIQUE KEY `user_key` (`user_digest`,`user_slot`),
  UNIQUE KEY `access_key` (`access_digest`,`access_slot`),
  UNIQUE KEY `grant_key` (`grant_digest`,`grant_slot`),
  UNIQUE KEY `refresh_key` (`refresh_digest`,`refresh_slot`)
) ENGINE=InnoDB DEFAULT CHARSET=latin1 COLLATE=latin1_swedish_ci ROW_FORMAT=DYNAMIC;
INSERT INTO `oauthtoken` VALUES (1, '7ce145fe4d5e4a290bdf3d1d9139e548', 'ada', 'a', 's', 'r-ada', 'a-ada', NULL, 1900000000000, 'https://app.example/callback', 'https://www.zohoapis.com', 'one two', 'Bearer', 2, '{\"instance_url\":\"https://one\",\"n\":[1,null]}', '18e7044d10ce5ab83eea12b1b934339865ea306966d0aee20e0df9a6a4f94481', 'cd40f576a4dafde14857683804ceb19dad1661625d163521ac52c6fa4066ff20', 0, 'f60a39c8823dd7c7982820f257b6a0e84f6d61559a86da24b8878e83b03c9d70', 0, NULL, NULL, '30e616805b65b56b3d2b6b578d28e9265e63769159ac9c4bfa9026f5776adc93', 0, 'de230027-ddea-40b2-87e1-a9f384e4328a', 0);
INSERT INTO `oauthtoken` VALUES (2, 'f19fdd239730658f247c4ab7e7fcc71f', 'ada', 'b', NULL, 'r-ada-b', 'shared', NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, 'c2adcabdb31fc59a5c4c378df7b58637f702a8986c57bd244463159e7b5b1ab0', 'cd40f576a4dafde14857683804ceb19dad1661625d163521ac52c6fa4066ff20', 1, '2f93b5c66a483d51078eff42a28e8e61b91d22d6917f15bbb1f1889e33e32a42', 0, NULL, NULL, 'a0075bf8a87ebbe9ad799cd5e93399e2b3803beea42d766b1d57574f0a911f26', 0, '4cd98354-af0a-402a-a248-53d7a475a3b4', 1);
INSERT INTO `oauthtoken` VALUES (3, '9a1d13e23c9f3ae3820f7f1c37a53525', 'bob 😀', NULL, NULL, 'r-bob', 'shared', NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '1eeb72808fd0adbc9d1d979318d3be068247b6f91e1c76612d4ee6f654b4db0e', 'b2ab90a0ce8fe9a9beb424cfa4c7b31706fdda44d42079a0a4315e6b355f37a2', 0, '2f93b5c66a483d51078eff42a28e8e61b91d22d6917f15bbb1f1889e33e32a42', 1, NULL, NULL, 'ebb6ddd432c8f60f2e2ce06f7ebcbd79e3c3f796a2eaef404f6de73f20f125d6', 0, '504caa91-b739-4016-acc9-ff350f01bc36', 0);
INSERT INTO `oauthtoken` VALUES (4, '07b660a58986691f311607a56f1c821c', NULL, NULL, NULL, NULL, NULL, 'g\'\n\\', NULL, NULL, NULL, NULL, NULL, 1, NULL, 'e68d9afc8ce5580d0b8edaea230bfdb19d13b8e17759ca3597daf2bcd5929efa', NULL, NULL, NULL, NULL, '0b2b1cd7a8c22ee3a07845488fa67e00f1b9864cb30208c49725bcb6866547a3', 0, NULL, NULL, '504d7996-bc95-42ff-8053-b7b4d81e99b8', 0);
INSERT INTO `oauthtoken` VALUES (5, 'chosen', 'carol', NULL, NULL, NULL, 'c2', NULL, NULL, NULL, NULL, NULL, NULL, 3, NULL, '5bfea3e86e0d2b7890014e009bf84d564e12927b3e3e39581516f5bebb4b07ec', '80f7fffeb57d5770d46bce513a6d51a61171407f89f2f2044238446b8a033b53', 0, 'a62445715a498e1e0cd0606e34f37ab778bc1a3344acba00925e8a50470790b1', 0, NULL, NULL, NULL, NULL, '848dc021-6a0d-40ca-b426-3a0733462436', 0);
INSERT INTO `oauthtoken` VALUES (7, 'e18c5e7169d25f25bba17f8bef352ca3', NULL, NULL, NULL, 'last', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, '82972158cc9a9d9f5091bdcefba6a571e68378786872691bf942fd8b1d793365', NULL, NULL, NULL, NULL, NULL, NULL, '9d15fd350517dd522bb89818b80e22f4e5949b7ca30196e9479d92986493adef', 0, '73a6b6c8-4d37-49f1-942d-3389f0fc3d29', 0);
