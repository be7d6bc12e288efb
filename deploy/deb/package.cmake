# What `cmake --install` puts where, and the .deb that `cpack --preset deb` makes of it.
# Components: "program" needs no root with a --prefix of your own; "service" is the unit and the config in /etc.
include(GNUInstallDirs)

set(RUNNEL_CONTACT "The runnel maintainers <maintainers@runnel.example>"
  CACHE STRING "Maintainer of the package")

# Debian wants both compressed.
foreach(page IN ITEMS runnel.1 changelog)
  add_custom_command(OUTPUT ${PROJECT_BINARY_DIR}/package/${page}.gz
    COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/package
    COMMAND gzip -9nc ${CMAKE_CURRENT_LIST_DIR}/${page} > ${PROJECT_BINARY_DIR}/package/${page}.gz
    DEPENDS ${CMAKE_CURRENT_LIST_DIR}/${page})
endforeach()
add_custom_target(package_pages ALL
  DEPENDS ${PROJECT_BINARY_DIR}/package/runnel.1.gz ${PROJECT_BINARY_DIR}/package/changelog.gz)

install(TARGETS runnel RUNTIME COMPONENT program)
install(FILES ${PROJECT_BINARY_DIR}/package/runnel.1.gz
  DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES config/reference.md config/runnel.schema.json config/example.yaml
  ${CMAKE_CURRENT_LIST_DIR}/copyright ${PROJECT_BINARY_DIR}/package/changelog.gz
  DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/runnel COMPONENT program)
install(CODE "
  set(unit \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/runnel.service\")
  file(READ \"${PROJECT_SOURCE_DIR}/deploy/systemd/runnel.service\" text)
  string(REPLACE /usr/bin/runnel \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/runnel\" text \"\${text}\")
  message(STATUS \"Installing: \${unit}\")
  file(WRITE \"\${unit}\" \"\${text}\")
  if(EXISTS \"\$ENV{DESTDIR}/etc/runnel/runnel.yaml\")
    message(STATUS \"Left as it is: \$ENV{DESTDIR}/etc/runnel/runnel.yaml\")
  else()
    file(INSTALL \"${CMAKE_CURRENT_LIST_DIR}/runnel.yaml\" DESTINATION /etc/runnel)
  endif()" COMPONENT service)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME runnel)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT ${RUNNEL_CONTACT})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "server of Redis and MQTT topics as Server-Sent Events")
set(CPACK_PACKAGE_DESCRIPTION "runnel takes the events that backends publish to Redis and MQTT, maps their
topics to channels by a routing table in YAML, and serves the channels to
browsers as Server-Sent Events, with exact resume from a replay log.")
set(CPACK_MONOLITHIC_INSTALL ON)
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON) # what is in /etc is not below the prefix
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "redis-server, mosquitto")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(file IN ITEMS conffiles postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/${file})
endforeach()
include(CPack)
